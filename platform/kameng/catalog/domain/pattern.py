"""Patterns of purchase fields, matched in linear time.

A product's pattern comes from a form and runs on what strangers type, so a backtracking engine is
out of the question: `(a+)+$` would occupy a worker for minutes. This is the common subset
(literals, `. \\d \\w \\s`, classes, groups, `|`, `? * + {m,n}`) run as a set of states: time is
length of text × size of pattern, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

MAX_PATTERN = 200
MAX_STATES = 2_000
MAX_REPEAT = 200
MAX_DEPTH = 20

Test = Callable[[str], bool]
SPECIAL = frozenset("\\.[]()|?*+{}^$")


class PatternError(ValueError):
    """The pattern cannot be used; `position` counts from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at {position}")
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of the syntax tree: one character, a sequence, a choice or a repeat."""

    kind: str  # char, sequence, choice, repeat
    test: Test | None = None
    parts: tuple[Node, ...] = ()
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: states with a test and a next, or empty moves."""

    tests: tuple[Test | None, ...]
    moves: tuple[tuple[int, ...], ...]
    start: int
    accept: int

    def matches(self, text: str) -> bool:
        """True when the whole text fits."""
        current = self._closure({self.start})
        for char in text:
            after = {
                move
                for state in current
                if (test := self.tests[state]) is not None and test(char)
                for move in self.moves[state]
            }
            if not after:
                return False
            current = self._closure(after)
        return self.accept in current

    def _closure(self, states: set[int]) -> set[int]:
        found, open_states = set(states), list(states)
        while open_states:
            state = open_states.pop()
            if self.tests[state] is None:
                for move in self.moves[state]:
                    if move not in found:
                        found.add(move)
                        open_states.append(move)
        return found


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """Compile; raises `PatternError` when malformed, too long or using what is not supported."""
    if len(text) > MAX_PATTERN:
        raise PatternError("too_long", MAX_PATTERN)
    tree = _Parser(_without_anchors(text)).parse()
    builder = _Builder()
    accept = builder.state(None)
    start = builder.build(tree, accept)
    return Pattern(
        tuple(builder.tests), tuple(tuple(moves) for moves in builder.moves), start, accept
    )


def _without_anchors(text: str) -> str:
    """A pattern always covers the whole text, so outer anchors say nothing new."""
    if text.startswith("^"):
        text = text[1:]
    if text.endswith("$") and not text.endswith("\\$"):
        text = text[:-1]
    return text


class _Builder:
    """Turns the tree into states, from the end backwards."""

    def __init__(self) -> None:
        self.tests: list[Test | None] = []
        self.moves: list[list[int]] = []
        self.work = 0

    def state(self, test: Test | None, *moves: int) -> int:
        if len(self.tests) >= MAX_STATES:
            raise PatternError("too_complex", 0)
        self.tests.append(test)
        self.moves.append(list(moves))
        return len(self.tests) - 1

    def build(self, node: Node, after: int) -> int:
        # Repeats of nothing make no state, yet nested they would be built for ever.
        self.work += 1
        if self.work > 10 * MAX_STATES:
            raise PatternError("too_complex", 0)
        if node.kind == "char":
            return self.state(node.test, after)
        if node.kind == "sequence":
            for part in reversed(node.parts):
                after = self.build(part, after)
            return after
        if node.kind == "choice":
            return self.state(None, *(self.build(part, after) for part in node.parts))
        return self._repeat(node, after)

    def _repeat(self, node: Node, after: int) -> int:
        inner = node.parts[0]
        if node.most is None:
            loop = self.state(None, after)
            self.moves[loop].append(self.build(inner, loop))
            after = loop
        else:
            end = after
            for _ in range(node.most - node.least):
                after = self.state(None, self.build(inner, after), end)
        for _ in range(node.least):
            after = self.build(inner, after)
        return after


class _Parser:
    """Recursive descent over the pattern's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self._choice()
        if self.at < len(self.text):
            raise PatternError("unbalanced", self.at)
        return node

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise PatternError("unfinished", self.at)
        self.at += 1
        return char

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Node("choice", parts=tuple(branches))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._quantified(self._atom()))
        return Node("sequence", parts=tuple(parts))

    def _atom(self) -> Node:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return Node("char", self._character_class())
        if char == ".":
            return Node("char", lambda other: other != "\n")
        if char == "\\":
            return Node("char", self._escape())
        if char in SPECIAL:
            raise PatternError("misplaced", self.at - 1)
        return Node("char", _same(char))

    def _group(self) -> Node:
        opened = self.at - 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise PatternError("too_complex", opened)
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise PatternError("unsupported", self.at)
            self.at += 2
        node = self._choice()
        if self._peek() != ")":
            raise PatternError("unbalanced", opened)
        self.at += 1
        self.depth -= 1
        return node

    def _quantified(self, node: Node) -> Node:
        simple = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        char = self._peek()
        if char in simple:
            self.at += 1
            least, most = simple[char]
        elif char == "{":
            least, most = self._counts()
        else:
            return node
        if self._peek() in ("?", "*", "+", "{"):
            raise PatternError("unsupported", self.at)
        return Node("repeat", parts=(node,), least=least, most=most)

    def _counts(self) -> tuple[int, int | None]:
        opened = self.at
        close = self.text.find("}", opened)
        body = self.text[opened + 1 : close] if close > 0 else ""
        low, comma, high = body.partition(",")
        if not _number(low) or (high and not _number(high)):
            raise PatternError("count", opened)
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if least > MAX_REPEAT or (most is not None and not least <= most <= MAX_REPEAT):
            raise PatternError("count", opened)
        self.at = close + 1
        return least, most

    def _escape(self) -> Test:
        char = self._take()
        if char in _CLASSES:
            return _CLASSES[char]
        if char.isalnum():
            raise PatternError("unsupported", self.at - 1)
        return _same(char)

    def _character_class(self) -> Test:
        negated = self._peek() == "^"
        if negated:
            self.at += 1
        tests: list[Test] = []
        while self._peek() != "]":
            tests.append(self._class_item())
        self.at += 1
        if not tests:
            raise PatternError("empty_class", self.at - 1)
        members = tuple(tests)
        return lambda char: any(test(char) for test in members) is not negated

    def _class_item(self) -> Test:
        first = self._take()
        if first == "\\":
            if self._peek() in _CLASSES:
                return _CLASSES[self._take()]
            first = self._literal_escape()
        following = self.text[self.at + 1 : self.at + 2]
        if self._peek() != "-" or following in ("", "]"):
            return _same(first)
        self.at += 1
        last = self._take()
        if last == "\\":
            last = self._literal_escape()
        if last < first:
            raise PatternError("range", self.at - 1)
        return lambda char: first <= char <= last

    def _literal_escape(self) -> str:
        char = self._take()
        if char.isalnum():
            raise PatternError("unsupported", self.at - 1)
        return char


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _same(char: str) -> Test:
    return lambda other: other == char


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CLASSES: dict[str, Test] = {
    # Only ASCII digits: an account number in Thai digits would reach no supplier.
    "d": lambda char: "0" <= char <= "9",
    "D": lambda char: not "0" <= char <= "9",
    "w": _word,
    "W": lambda char: not _word(char),
    "s": str.isspace,
    "S": lambda char: not char.isspace(),
}
