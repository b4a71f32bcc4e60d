"""O7: what is installed is submitted, reviewed and recognised again; a report is believed as data."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

PLUGIN = "payment-epay"
PAGE = f"/admin/plugins/{PLUGIN}"
RELEASES = "SELECT count(*) FROM plugin_release"


def installed(console: Any) -> tuple[str, str]:
    from kameng.plugins import api as plugins

    with console.market.app.app_context():
        (info,) = [one for one in plugins.list_plugins() if one.id == PLUGIN]
    return info.version, info.digest


def report(version: str, digest: str, result: str = "passed", **changes: Any) -> bytes:
    finding = {
        "check": "fault.html", "meaning": "A page is no answer.", "result": result,
        "reason": "<script>alert(1)</script>", "duration_ms": 3,
    }  # fmt: skip
    body = {
        "format": 1, "plugin_id": PLUGIN, "version": version, "digest": digest,
        "api_version": "1.2", "made_at": "2026-01-01T00:00:00+00:00", "findings": [finding],
    }  # fmt: skip
    return json.dumps({**body, **changes}).encode()


def upload(console: Any, content: bytes, **named: str) -> str:
    answer = console.post(f"{PAGE}/report", report=(io.BytesIO(content), "report.json"), **named)
    assert answer.status_code == 303
    return str(console.get(answer.location))


@pytest.fixture
def submitted(console: Any) -> dict[str, str]:
    """A fresh submission of what is installed."""
    console.market.owner.execute("DELETE FROM plugin_release")
    version, digest = installed(console)
    console.done(f"{PAGE}/submit")
    return {"version": version, "digest": digest}


def test_O7_a_release_is_submitted_approved_and_refused_with_a_reason(
    console: Any, submitted: dict[str, str]
) -> None:
    assert "待审核" in console.get(PAGE)
    page = console.done(f"{PAGE}/review", **submitted, decision="approve", reason="代码已读")
    assert "已批准" in page
    assert "代码已读" in page
    assert "已批准" in console.get("/admin/plugins/")
    page = console.done(f"{PAGE}/review", **submitted, decision="refuse", reason="依赖有漏洞")
    assert "已拒绝" in page
    trail = "SELECT count(*) FROM audit_event WHERE action = ANY(%s)"
    actions = ["plugin.submit", "plugin.approve", "plugin.refuse"]
    assert console.market.count(trail, actions) >= 3


def test_O7_files_that_changed_after_the_approval_are_seen(
    console: Any, submitted: dict[str, str]
) -> None:
    console.done(f"{PAGE}/review", **submitted, decision="approve", reason="代码已读")
    console.market.owner.execute("UPDATE plugin_release SET digest = %s", ("0" * 64,))
    assert "审核后有改动" in console.get(PAGE)
    assert "审核后有改动" in console.get("/admin/plugins/")


def test_submitting_twice_keeps_the_first(console: Any, submitted: dict[str, str]) -> None:
    console.done(f"{PAGE}/review", **submitted, decision="approve", reason="代码已读")
    console.done(f"{PAGE}/submit")
    assert console.market.count(RELEASES) == 1
    assert console.market.count(f"{RELEASES} WHERE state = 'approved'") == 1


def test_a_report_is_shown_as_text_and_counted(console: Any, submitted: dict[str, str]) -> None:
    page = upload(console, report(**submitted), **submitted)
    assert "fault.html" in page
    assert "<script>alert(1)" not in page
    assert "一致性 1/1" in console.get("/admin/plugins/")


def test_what_failed_in_the_report_cannot_be_approved(
    console: Any, submitted: dict[str, str]
) -> None:
    upload(console, report(**submitted, result="failed"), **submitted)
    answer = console.post(f"{PAGE}/review", **submitted, decision="approve", reason="看着没事")
    assert "不能批准" in console.get(answer.location)
    assert console.market.count(f"{RELEASES} WHERE state = 'submitted'") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "不是 kameng-plugin verify"),
        (b"[" * 100_000, "不是 kameng-plugin verify"),
        (b"x" * (256 * 1024 + 1), "不是 kameng-plugin verify"),
        (report("0.1.0", "0" * 64, findings=[{"check": 1}]), "不是 kameng-plugin verify"),
        (report("0.1.0", "0" * 64, result="fine"), "不是 kameng-plugin verify"),
        (report("0.1.0", "0" * 64, format=2), "不是 kameng-plugin verify"),
        (report("0.1.0", "0" * 64), "另一份文件"),
    ],
    ids=["empty", "deep", "long", "no_text", "other_result", "other_format", "other_files"],
)
def test_what_is_no_report_about_these_files_is_refused(
    console: Any, submitted: dict[str, str], content: bytes, words: str
) -> None:
    assert words in upload(console, content, **submitted)
    assert console.market.count(f"{RELEASES} WHERE report <> '{{}}'") == 0


def test_a_review_needs_a_reason_a_release_and_the_right(
    console: Any, submitted: dict[str, str]
) -> None:
    answer = console.post(f"{PAGE}/review", **submitted, decision="approve", reason=" ")
    assert "请写明原因" in console.get(answer.location)
    answer = console.post(
        f"{PAGE}/review", version="9", digest="x", decision="approve", reason="好的"
    )
    assert "没有这个版本" in console.get(answer.location)
    for button in ("submit", "report", "review"):
        assert console.post(f"{PAGE}/{button}", "operations", **submitted).status_code == 403
