"""The pages under docs/plugins say what the code has."""

import inspect
import re
from pathlib import Path

import pytest

from kameng.plugins.discovery import PluginState, hook_names
from kameng.plugins.tasks import OBSERVED
from kameng_sdk import hookspecs
from kameng_sdk.manifest import FieldKind
from kameng_sdk.outcomes import Outcome

PAGES = Path(__file__).resolve().parents[3] / "docs" / "plugins"


def page(name):
    return (PAGES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_is_documented_with_its_arguments(hook):
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"| `{hook}({arguments})` |" in page("hooks.md")


def test_no_hook_is_documented_that_does_not_exist():
    assert set(re.findall(r"`(kameng_\w+)\(", page("hooks.md"))) == set(hook_names())


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_tells_when_where_and_since(hook):
    words = " ".join((inspect.getdoc(getattr(hookspecs, hook)) or "").split())
    for told in ("Called", "Since 1.0", "thread" if "simulators" not in hook else "process"):
        assert told in words
    assert "None" in words or "ignored" in words


def test_the_hooks_stand_on_one_page():
    assert len(inspect.getsource(hookspecs).splitlines()) <= 120


@pytest.mark.parametrize("topic", OBSERVED)
def test_every_observed_topic_is_documented(topic):
    assert f"`{topic}`" in page("hooks.md")


@pytest.mark.parametrize("state", PluginState)
def test_every_state_is_documented(state):
    assert f"| {state.value} |" in page("hooks.md")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_documented(outcome):
    assert f"| {outcome.name} |" in page("calls.md")


@pytest.mark.parametrize("kind", FieldKind.__args__)
def test_every_kind_of_field_is_documented(kind):
    assert f"`{kind}`" in page("settings.md")
