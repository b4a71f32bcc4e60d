"""Templates compiled for one language say what they would say when everything is asked for anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jinja2 import DictLoader, StrictUndefined
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from kameng_tenants.themes.folding import Folding
from kameng_tenants.themes.sandbox import Sandbox

PART = "{% set here = 'part' %}<b>{{ here }} {{ n }} {{ word('x') }}</b>"
PAGES = {
    "part": PART,
    "again": "{{ n }}{% if n %}{% set n = n - 1 %}{% include 'again' %}{% endif %}",
    "blocks": "{% block one %}{{ word('in') }}{% endblock %}",
    "base": "<i>{{ word('base') }}</i>{% block body %}{% endblock %}",
}
TEMPLATES = [
    "{{ word('a') }}{{ word('b', tail='<') }}",
    "{{ word(word('a')) ~ '&' }}",
    "{{ word(name) }}{{ word('a', tail=name) }}",
    "{{ word(*['a']) }}{{ word(**{'text': 'a'}) }}",
    "{% if word('a') == 'A' %}yes{% else %}{{ word('no') }}{% endif %}",
    "{% set word = other %}{{ word('a') }}",
    "{% macro word(x) %}[{{ x }}]{% endmacro %}{{ word('a') }}",
    "{% macro show(word) %}{{ word('a') }}{% endmacro %}{{ show(other) }}",
    "{% set here = 'page' %}{% include 'part' %}{{ here }}",
    "{% for n in [1, 2] %}{% include 'part' %}{% endfor %}",
    "{% include ['none', 'part'] %}",
    "{% include 'none' ignore missing %}-",
    "{% include 'again' %}",
    "{% include 'blocks' %}",
    "{% extends 'base' %}{% set n = 5 %}{% block body %}{% include 'part' %}{% endblock %}",
]  # fmt: skip


def word(text: str, tail: str = "") -> Markup:
    return Markup("{}{}").format(text.upper(), tail)


def other(text: str) -> str:
    return f"<{text}>"


def drawn(environment: Sandbox, text: str) -> str:
    environment.globals.update(word=word, other=other)
    environment.trust_globals()
    return environment.from_string(text).render(name="<name>", n=2)


def options() -> dict[str, Any]:
    return {"loader": DictLoader(PAGES), "autoescape": True, "undefined": StrictUndefined,
            "auto_reload": False}  # fmt: skip


def folding(call: Callable[..., Any] = word, apart: tuple[str, ...] = ()) -> Folding:
    return Folding({"word": call}, apart, **options())


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_folded_template_says_the_same(text: str) -> None:
    assert drawn(folding(), text) == drawn(Sandbox(**options()), text)


def test_what_is_fixed_is_asked_for_once_and_what_is_not_each_time() -> None:
    asked: list[str] = []

    def counted(text: str, tail: str = "") -> Markup:
        asked.append(text)
        return word(text, tail)

    environment = folding(counted)
    environment.globals["word"] = counted
    template = environment.from_string("{{ word('a') }}{{ word(name) }}")
    for _n in range(3):
        template.render(name="b")
    assert asked == ["a", "b", "b", "b"]


def test_a_part_that_themes_have_of_their_own_is_found_when_the_page_is_drawn() -> None:
    for apart, said in (((), "<b>part 1 X</b>"), (("part",), "mine")):
        environment = folding(apart=apart)
        environment.globals["word"] = word
        template = environment.from_string("{% include 'part' %}")
        environment.loader = DictLoader({"part": "mine"})
        assert template.render(n=1) == said


def test_the_walls_of_the_sandbox_stand() -> None:
    with pytest.raises(SecurityError):
        drawn(folding(), "{{ word('a').__class__.__mro__[1].__subclasses__() }}")
