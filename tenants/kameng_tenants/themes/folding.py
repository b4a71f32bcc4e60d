"""Templates compiled for one language: what is the same on each page is found once, not a hundred
times a page.

Fixed texts, icons and addresses of assets become part of the template's own text, and so do the
templates that it includes by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from jinja2 import BaseLoader, Environment, nodes
from jinja2.visitor import NodeTransformer

from kameng_tenants.themes.sandbox import Sandbox

Words = Mapping[str, Callable[..., Any]]


class Folding(Sandbox):
    """A sandbox that calls `words` while it compiles, where all that they are given is fixed.

    `apart`: templates that are not the same for all who share what is compiled.
    """

    def __init__(self, words: Words, apart: Collection[str], **options: Any) -> None:
        super().__init__(**options)
        self._words, self.apart = words, apart

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None,
        defer_init: bool = False,
    ) -> str:  # fmt: skip
        folded = self.folded(source, (name or "",))
        return super()._generate(folded, name, filename, defer_init)

    def folded(self, source: nodes.Template, within: tuple[str, ...]) -> nodes.Template:
        """The same template with less to do; `within`: its name after those that include it."""
        own = _own(source)
        words = {word: call for word, call in self._words.items() if word not in own}
        return cast(nodes.Template, _Folder(self, words, within).visit(source))


class _Folder(NodeTransformer):
    def __init__(self, environment: Folding, words: Words, within: tuple[str, ...]) -> None:
        self._environment, self._words, self._within = environment, words, within

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

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        """What is included stands here, with names of its own as before."""
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        if not isinstance(name, str) or not node.with_context or node.ignore_missing:
            return node
        theirs = self._environment
        if name in self._within or name in theirs.apart or theirs.auto_reload:
            return node  # in debugging a change must be seen
        source = _parsed(theirs, name)
        if source.find(nodes.Block) or source.find(nodes.Extends):
            return node
        body = self._environment.folded(source, (*self._within, name)).body
        return nodes.Scope(body, lineno=node.lineno, environment=node.environment)


def _parsed(environment: Environment, name: str) -> nodes.Template:
    text, filename, _fresh = cast(BaseLoader, environment.loader).get_source(environment, name)
    return environment._parse(text, name, filename)


def _own(source: nodes.Template) -> set[str]:
    """Names that a template gives a meaning of its own."""
    found = {name.name for name in source.find_all(nodes.Name) if name.ctx != "load"}
    found |= {macro.name for macro in source.find_all(nodes.Macro)}
    found |= {one.target for one in source.find_all(nodes.Import)}
    for one in source.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[1] for name in one.names}
    return found
