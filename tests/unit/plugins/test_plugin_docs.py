"""The pages under docs/plugins say what the code has."""

import inspect
import re
from pathlib import Path

import pytest

from kameng.plugins.discovery import PluginState, hook_names
from kameng.plugins.tasks import OBSERVED
from kameng_sdk import hookspecs
from kameng_sdk.kit.checks import EVERY
from kameng_sdk.kit.running import all_checks
from kameng_sdk.manifest import FieldKind
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentCapability, PaymentProvider
from kameng_sdk.suppliers import Supplier, SupplierCapability

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


def test_every_check_of_the_kit_is_documented_as_it_is():
    rows = re.findall(
        r"^\| `(\w+\.\w+)` \| ([\w, ]+) \| (.+) \|$", page("quality.md"), re.MULTILINE
    )
    groups = ("static", "contract", "fault", "e2e")
    checks = sorted(all_checks(), key=lambda check: groups.index(check.name.partition(".")[0]))
    wanted = [(check.name, kinds_of(check), check.meaning) for check in checks]
    assert rows == wanted


def kinds_of(check):
    return "all" if check.kinds == EVERY else ", ".join(sorted(kind.value for kind in check.kinds))


def test_every_page_is_linked_from_the_first():
    pages = {path.name for path in PAGES.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", page("README.md"))) == pages


@pytest.mark.parametrize(
    ("kind", "name"), [(Supplier, "suppliers.md"), (PaymentProvider, "payments.md")]
)
def test_every_method_of_a_contract_is_on_its_page(kind, name):
    methods = [n for n, v in vars(kind).items() if inspect.isfunction(v) and not n.startswith("_")]
    assert [method for method in methods if f"`{method}" not in page(name)] == []


@pytest.mark.parametrize(
    ("capabilities", "name"),
    [(SupplierCapability, "suppliers.md"), (PaymentCapability, "payments.md")],
)
def test_no_page_names_a_capability_that_does_not_exist(capabilities, name):
    named = set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", page(name))) - {
        outcome.name for outcome in Outcome
    }
    assert named - {"NAME", "POST"} <= {capability.name for capability in capabilities}
