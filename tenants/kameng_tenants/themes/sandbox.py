"""Jinja's sandbox with its answers remembered: the same walls, asked once for each kind."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

METHODS = (MethodType, BuiltinMethodType)  # `str.format` is one; Jinja wraps it
PLAIN = (str, dict)  # all that they have are methods, as safe as their names are
FORMATS = frozenset({"format", "format_map"})


class Sandbox(SandboxedEnvironment):
    """A sandbox for pages with hundreds of names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: set[tuple[type, str]] = set()
        self._ours: frozenset[Callable[..., Any]] = frozenset()

    def trust_globals(self) -> None:
        """Call the plain functions among the globals straight: they were given to be called."""
        self._ours = frozenset(
            one for one in self.globals.values()
            if type(one) is FunctionType
            and not hasattr(one, "jinja_pass_arg")
            and self.is_safe_callable(one)
        )  # fmt: skip

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain mapping: each page reads all of it, and nothing is added after the first."""
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As Jinja's. Whether a name is safe depends on the type alone, for what is no proxy."""
        kind = type(obj)
        if (kind, attribute) in self._safe:
            value = getattr(obj, attribute, self)
            if value is not self and (kind in PLAIN or not isinstance(value, METHODS)):
                return value
        found = super().getattr(obj, attribute)
        if obj.__class__ is kind and (
            getattr(obj, attribute, self) is found or _is_plain_method(found, obj, attribute)
        ):
            self._safe.add((kind, attribute))
        return found

    def call(self_, context_: Context, called_: Any, /, *args: Any, **kwargs: Any) -> Any:
        """As Jinja's, shorter for our own functions."""
        if type(called_) is FunctionType and called_ in self_._ours:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return called_(*args, **kwargs)
        if type(called_) is BuiltinMethodType and _is_plain_method(called_, called_.__self__):
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return called_(*args, **kwargs)
        return super().call(context_, called_, *args, **kwargs)


def _is_plain_method(found: Any, owner: Any, name: str = "") -> bool:
    """Whether it is a method of a plain value, and none that formats (Jinja wraps these)."""
    return (
        type(found) is BuiltinMethodType
        and type(owner) in PLAIN
        and found.__self__ is owner
        and found.__name__ not in FORMATS
        and name in ("", found.__name__)
    )
