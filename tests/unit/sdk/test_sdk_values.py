"""Manifests, webhooks and verdicts refuse what could only go wrong later."""

import subprocess
import sys

import pytest

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured, WebhookRefused
from kameng_sdk.manifest import API_VERSION, ApiVersion, ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentMethod
from kameng_sdk.risk import CounterNeed, RiskDecision, RiskVerdict
from kameng_sdk.webhooks import WebhookRequest, single_values


def manifest(**changes):
    given = {
        "id": "payment-x", "kind": PluginKind.PAYMENT, "name": "X", "version": "1",
        "api_version": (1, 0), "description": "d", "author": "a",
    }  # fmt: skip
    return PluginManifest(**{**given, **changes})


def request(query="", body=b"", headers=None):
    return WebhookRequest(method="GET", path="/", query=query, headers=headers or {}, body=body)


@pytest.mark.parametrize(
    "changes",
    [{"id": "Payment-X"}, {"id": "risk-x"}, {"id": "x"}, {"name": ""}, {"author": ""},
     {"config_fields": (ConfigField(name="a", label="A"), ConfigField(name="a", label="B"))},
     {"on_by_default": True, "config_fields": (ConfigField(name="a", label="A", required=True),)}],
)  # fmt: skip
def test_a_manifest_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValueError, match="plugin"):
        manifest(**changes)


def test_a_stations_address_never_meets_a_secret_of_the_main_station():
    fields = (
        ConfigField(name="gateway", label="G", kind="url"),
        ConfigField(name="key", label="K", secret=True, scope="main"),
    )
    with pytest.raises(ValueError, match="main secret"):
        manifest(config_fields=fields)


@pytest.mark.parametrize(
    "changes",
    [{"secret": True, "default": "x"}, {"secret": True, "kind": "int"}, {"kind": "float"},
     {"kind": "choice"}, {"choices": (("a", "A"),)}, {"name": "No"}, {"scope": "world"}],
)  # fmt: skip
def test_a_field_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValueError, match="field"):
        ConfigField(**{"name": "a", "label": "A", **changes})


def test_a_host_takes_its_major_and_older_minors():
    host = ApiVersion(1, 4)
    assert host.accepts((1, 4))
    assert host.accepts((1, 0))
    assert not host.accepts((1, 5))
    assert not host.accepts((2, 0))
    assert API_VERSION == (1, 4)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(WebhookRefused, match="twice"):
        single_values(request("money=1&money=2").query_pairs())


@pytest.mark.parametrize("query", ["a=%ff", "&".join(f"a{i}=1" for i in range(500))])
def test_parameters_that_cannot_be_read_are_refused(query):
    with pytest.raises(WebhookRefused):
        request(query).query_pairs()


def test_empty_values_and_their_order_are_kept():
    assert request("b=&a=%E4%B8%AD+x").query_pairs() == (("b", ""), ("a", "中 x"))
    assert request(body=b"c=1").form_pairs() == (("c", "1"),)
    with pytest.raises(WebhookRefused):
        request(body=b"\xff\xfe").form_pairs()


def test_a_header_is_found_by_any_spelling():
    assert request(headers={"stripe-signature": "t=1"}).header("Stripe-Signature") == "t=1"
    assert request().header("absent") == ""


def test_a_verdict_against_somebody_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        RiskVerdict(decision=RiskDecision.REVIEW)
    assert max(RiskDecision) is RiskDecision.BLOCK


def test_a_window_is_bounded():
    with pytest.raises(ValueError, match="window"):
        CounterNeed(name="n", key_field="ip", window_s=0, applies_to=frozenset())


def test_a_fee_is_less_than_the_amount():
    with pytest.raises(ValueError, match="fee"):
        PaymentMethod(code="a", label="A", fee_bp=10_000)


def test_a_missing_setting_is_named():
    config = PluginConfig({"count": 3, "on": True, "sum": Money(1), "empty": None})
    assert (config.number("count"), config.flag("on"), config.flag("empty")) == (3, True, False)
    assert config.money("sum") == Money(1)
    assert config.text("empty", "fallback") == "fallback"
    for missing in (config.text, config.number, config.secret, config.money):
        with pytest.raises(Misconfigured, match="empty"):
            missing("empty")


def test_the_outcomes_are_four():
    assert [outcome.value for outcome in Outcome] == ["succeeded", "pending", "declined", "unknown"]


def test_the_sdk_imports_nothing_of_the_host():
    code = (
        "import sys, pkgutil, importlib, kameng_sdk\n"
        "for module in pkgutil.iter_modules(kameng_sdk.__path__):\n"
        "    importlib.import_module('kameng_sdk.' + module.name)\n"
        "bad = {'kameng', 'flask', 'sqlalchemy', 'redis', 'dramatiq', 'httpx'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(bad)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
