"""Secret: a value that refuses to be printed, pickled or written as JSON by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Holds a credential or a card code; only `reveal` gives it back.

    ``repr``, ``str`` and f-strings show ``Secret(****)``. Comparison takes constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a secret is text")
        self._value = value

    def reveal(self) -> str:
        """The value itself. Use it where it is spent and let go of it there."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied out of the process")
