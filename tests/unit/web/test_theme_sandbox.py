"""The sandbox that remembers gives the answers of Jinja's own, the first time and later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from kameng_tenants.themes.sandbox import Sandbox

VALUES = {
    "d": {"hours": "9-5", "get": "an item", "format": "odd"}, "empty": {}, "s": "a{0}b", "m": Markup("<i>{0}</i>"),
    "f": str.upper, "n": 7,
}  # fmt: skip
TEMPLATES = [
    "{{ d.get('hours') }}{{ d.get('x', 'none') }}{{ d.hours }}{{ empty.get('a') or 'b' }}",
    "{{ d.keys()|list }}{{ d.items()|list }}{{ d.pop('hours') }}{{ d }}",
    "{{ s.startswith('a') }}{{ s.upper() }}{{ s.replace('a', 'c') }}{{ s.split('{') }}",
    "{{ s.format(n) }}{{ m.format('<') }}{{ s.format_map({'0': n}) }}",
    "{{ '{0.real}'.format(n) }}{% set up = s.format %}{{ up(n) }}{{ d.format('x') }}",
    "{{ m.upper() }}{{ m.startswith('<') }}{{ f('a') }}",
    "{{ d.nothing }}",
    "{% for word in ['a', 'b'] %}{{ word.upper() }}{{ d.get(word, word) }}{% endfor %}",
]  # fmt: skip
ATTACKS = [
    "{{ s.__class__ }}", "{{ '{0.__class__}'.format(n) }}", "{{ s.format.__self__ }}",
    "{{ d.get.__self__.__class__ }}", "{% set up = '{0.__class__}'.format %}{{ up(n) }}",
    "{{ '{x.__class__}'.format_map({'x': n}) }}", "{{ d.__class__.__mro__ }}",
    "{{ (s ~ '{0.__class__}').format(n) }}", "{{ f.__globals__ }}",
]  # fmt: skip


def both(template: str) -> list[Callable[[], str]]:
    makes: list[Callable[..., SandboxedEnvironment]] = [SandboxedEnvironment, Sandbox]
    compiled = [
        make(undefined=StrictUndefined, autoescape=True).from_string(template) for make in makes
    ]
    return [lambda page=page: page.render(_copied()) for page in compiled]  # type: ignore[misc]  # one for each


def _copied() -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, dict) else value for name, value in VALUES.items()
    }


def outcome(draw: Callable[[], str]) -> tuple[str, str]:
    try:
        return "", draw()
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("template", TEMPLATES + ATTACKS)
def test_what_is_remembered_changes_nothing(template: str) -> None:
    jinjas, ours = both(template)
    usual = outcome(jinjas)
    assert [outcome(ours) for _again in range(3)] == [usual] * 3


@pytest.mark.parametrize("template", ATTACKS)
def test_nothing_inside_is_reached_by_a_method_that_was_allowed(template: str) -> None:
    page = Sandbox(undefined=StrictUndefined).from_string(
        "{% macro attack() %}" + template + "{% endmacro %}"
        "{{ s.upper() }}{{ s.upper() }}{{ d.get('x') }}{{ d.get('x') }}{{ attack() }}"
    )
    for _again in range(2):
        with pytest.raises((SecurityError, UndefinedError)):
            page.render(_copied())
