"""What a mutant is: one safeguard taken away, by SQL in the test's database or in a copied file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edit:
    """A text in one file of the copied tree, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One removed safeguard. `tests`: files that should notice, the cheapest first."""

    kind: str  # lock, guard, check, unique, policy, python
    place: str  # the file or the table
    name: str  # the function, the constraint, the policy
    removed: str
    tests: tuple[str, ...]
    sql: str = ""
    undo: str = ""  # the function as it was
    edit: Edit | None = None
    number: int = 0  # the same text stands several times in one function
    id: str = field(init=False)

    def __post_init__(self) -> None:
        # In another text it is another mutant: what was found of this one says nothing of it.
        edit = (self.edit.old, self.edit.new) if self.edit else ()
        said = "\0".join(
            (self.kind, self.place, self.name, self.removed, str(self.number), self.sql, *edit)
        )
        object.__setattr__(self, "id", hashlib.sha256(said.encode()).hexdigest()[:10])
