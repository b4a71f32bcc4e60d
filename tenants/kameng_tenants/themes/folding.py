"""Templates compiled for one language: what is the same on each page is found once, not a hundred
times a page.

Fixed texts, icons and addresses of assets become part of the template's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from kameng_tenants.themes.sandbox import Sandbox

Words = Mapping[str, Callable[..., Any]]


class Folding(Sandbox):
    """A sandbox that calls `words` while it compiles, where all that they are given is fixed."""

    def __init__(self, words: Words, **options: Any) -> None:
        super().__init__(**options)
        self._words = words

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None,
        defer_init: bool = False,
    ) -> str:  # fmt: skip
        words = {word: call for word, call in self._words.items() if word not in _own(source)}
        folded = _Folder(words).visit(source)
        return super()._generate(folded, name, filename, defer_init)


class _Folder(NodeTransformer):
    def __init__(self, words: Words) -> None:
        self._words = words

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """A constant in the place of a call with constants; the innermost first."""
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.dyn_args or node.dyn_kwargs:
            return node
        call = self._words.get(node.node.name)
        given = [*node.args, *(pair.value for pair in node.kwargs)]
        if call is None or not all(isinstance(one, nodes.Const) for one in given):
            return node
        values = {pair.key: pair.value.as_const() for pair in node.kwargs}
        value = call(*(one.as_const() for one in node.args), **values)
        return nodes.Const(value, lineno=node.lineno, environment=node.environment)


def _own(source: nodes.Template) -> set[str]:
    """Names that a template gives a meaning of its own."""
    found = {name.name for name in source.find_all(nodes.Name) if name.ctx != "load"}
    found |= {macro.name for macro in source.find_all(nodes.Macro)}
    found |= {one.target for one in source.find_all(nodes.Import)}
    for one in source.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[1] for name in one.names}
    return found
