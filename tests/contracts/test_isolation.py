"""Whatever a plugin does in a call, the host gets an outcome that is safe to act on."""

import logging
import socket
import threading
import time
from datetime import UTC, datetime

import pytest

from kameng.plugins import bound_payments
from kameng.plugins.bound_risk import RuleFailed
from kameng.plugins.building import BuildFailed, build
from kameng.plugins.discovery import discover
from kameng.plugins.effective import effective
from kameng.plugins.sealing import Sealer
from kameng.plugins.store import PluginRow, RowPair
from kameng.settings import Settings
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeRequest, RefundRequest
from kameng_sdk.risk import RiskDecision, RiskStage, RiskSubject
from kameng_sdk.webhooks import WebhookRequest

CANARY = "canary-6f1c2a"
SEALER = Sealer(Settings(demo=True, master_key="a2FtZW5nIHRlc3Qgc3VpdGUgbWFzdGVyIGtleSAzMmI="))
REQUEST = ChargeRequest(
    attempt_no="1", amount=Money.from_fen(100), method="a", subject="x",
    notify_url="https://x.example/n", return_url="https://x.example/r", client_ip="1.1.1.1",
    expires_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
NOTICE = WebhookRequest(method="POST", path="/", query="", headers={}, body=b"")


@pytest.fixture
def make(entry):
    """Function that builds the hostile provider in one of its ways."""

    def build_it(way, key=CANARY, exempt=frozenset()):
        plugin = discover(found=[entry("payment-hostile", "provider")])["payment-hostile"]
        row = PluginRow(
            1, plugin.id, True, {"way": way}, SEALER.seal(1, plugin.id, {"key": key}),
            {"key": {}}, 1, "t", {}, datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        settings = effective(plugin.manifest, 1, RowPair(row, row))
        (bound,) = build(plugin, settings, SEALER, exempt)
        return bound

    return build_it


@pytest.mark.parametrize(
    ("way", "outcome", "code"),
    [
        ("fine", Outcome.PENDING, ""),
        ("exit", Outcome.UNKNOWN, "plugin_error"),
        ("raise", Outcome.UNKNOWN, "plugin_error"),
        ("dictionary", Outcome.UNKNOWN, "plugin_error"),
        ("script", Outcome.UNKNOWN, "plugin_error"),
        ("text_outcome", Outcome.UNKNOWN, "plugin_error"),
        ("database", Outcome.UNKNOWN, "plugin_error"),
        ("decline_leaking", Outcome.DECLINED, "refused"),
        ("misconfigured", Outcome.DECLINED, "misconfigured"),
        ("metadata_service", Outcome.DECLINED, "misconfigured"),
        ("unsupported", Outcome.DECLINED, "not_supported"),
        ("unavailable", Outcome.DECLINED, "not_sent"),
        ("no_ref", Outcome.UNKNOWN, "plugin_error"),
        ("nul", Outcome.UNKNOWN, "plugin_error"),
        ("half_a_letter", Outcome.UNKNOWN, "plugin_error"),
        ("huge", Outcome.UNKNOWN, "plugin_error"),
        ("number_for_page", Outcome.UNKNOWN, "plugin_error"),
        ("own_class", Outcome.UNKNOWN, "plugin_error"),
        ("mute_error", Outcome.UNKNOWN, "plugin_error"),
        ("odd_decline", Outcome.DECLINED, ""),
        ("odd_pause", Outcome.DECLINED, "not_sent"),
        ("thread", Outcome.PENDING, ""),
        ("leak", Outcome.PENDING, ""),
    ],
)
def test_every_misbehaviour_has_a_safe_outcome(make, way, outcome, code, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    answer = make(way).charge(REQUEST)
    assert (answer.outcome, answer.code) == (outcome, code)


def test_only_what_was_never_sent_may_be_repeated(make):
    assert make("unavailable").charge(REQUEST).retry_after_s == 7
    assert make("raise").charge(REQUEST).retry_after_s is None


def test_a_plugin_is_not_believed_about_having_sent_nothing(make):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def answer():
        peer, _address = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    key, exempt = f"key http://127.0.0.1:{port}/", frozenset({("127.0.0.1", port)})
    result = make("unavailable_after_sending", key, exempt).charge(REQUEST)
    listener.close()
    thread.join(5)
    assert (result.outcome, result.retry_after_s) == (Outcome.UNKNOWN, None)


def test_P1_a_call_that_hangs_is_unknown_in_time(make, monkeypatch):
    monkeypatch.setattr(bound_payments, "CHARGE_S", 0.3)
    started = time.monotonic()
    answer = make("hang").charge(REQUEST)
    assert time.monotonic() - started < 2
    assert (answer.outcome, answer.code) == (Outcome.UNKNOWN, "timed_out")


@pytest.mark.parametrize("way", ["raise", "leak", "decline_leaking"])
def test_S8_no_secret_gets_into_messages_or_logs(make, way, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = make(way).charge(REQUEST)
    assert "****" in answer.message
    assert CANARY not in f"{answer}{caplog.text}"


@pytest.mark.parametrize("way", ["build_raises", "build_hangs", "unsettled", "twins", "two"])
def test_a_provider_that_cannot_be_built_is_refused_without_its_secret(make, way):
    with pytest.raises(BuildFailed) as caught:
        make(way)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("way", ["fine", "astronomic", "debt"])
def test_paid_without_a_possible_amount_is_unknown(make, way):
    assert make(way).query("1").outcome is Outcome.UNKNOWN


ODD_NOTICES = [
    "no_number", "number_is_a_number", "no_reference", "endless", "too_many", "astronomic",
    "reply_status", "reply_body", "reply_header",
]  # fmt: skip


@pytest.mark.parametrize(
    "way", ["raise", "bare_number", "negative", "refuse_leaking", *ODD_NOTICES]
)
def test_P3_a_notice_that_cannot_be_trusted_is_refused(make, way):
    with pytest.raises(WebhookRefused) as caught:
        make(way).parse_webhook(NOTICE)
    assert CANARY not in caught.value.reason


def test_what_is_not_declared_is_refused_without_a_call(make):
    refund = RefundRequest(
        attempt_no="1", provider_ref="", refund_no="r", amount=Money(1), total=Money(2)
    )
    bound = make("fine")
    answers = (bound.refund(refund), bound.query_refund(refund), bound.cancel("1"))
    assert {(found.outcome, found.code) for found in answers} == {
        (Outcome.DECLINED, "not_supported")
    }


def test_a_method_that_is_not_offered_is_refused(make):
    from dataclasses import replace

    assert make("fine").charge(replace(REQUEST, method="b")).code == "not_supported"


NO_VERDICT = ("fractional", "hangs", "raises", "truthy", "wordy")


def test_a_rule_that_fails_gives_no_verdict(entry):
    plugin = discover(found=[entry("risk-hostile", "rule")])["risk-hostile"]
    rules = build(plugin, effective(plugin.manifest, 1, RowPair()), SEALER, frozenset())
    subject = RiskSubject(stage=RiskStage.ORDER, order_kind="top_up", station_ref="1", ip="1.1.1.1")
    verdicts = {}
    for rule in rules:
        try:
            verdicts[rule.name] = rule.evaluate(subject).decision
        except RuleFailed as failure:
            verdicts[rule.name] = str(failure)
    assert verdicts.pop("risk-hostile:fine") is RiskDecision.ALLOW
    assert sorted(verdicts) == [f"risk-hostile:{name}" for name in NO_VERDICT]
    assert all(isinstance(failure, str) for failure in verdicts.values())
