"""S8, S9: grades, cards and their rules in the console."""

from __future__ import annotations

import json
from typing import Any

import pytest

MAIN = "http://main.localhost:8000"
METRICS = {
    "success": {"value": 0.85, "points": 79, "weight": 500, "part": 34, "whole": 40},
    "on_time": {
        "value": 0.9,
        "points": 357,
        "weight": 500,
        "p50_s": 20,
        "p95_s": 600,
        "part": 30,
        "whole": 34,
    },
}


@pytest.fixture
def supplier(console: Any) -> int:
    owner = console.market.owner
    row = owner.execute(
        "INSERT INTO supplier(code, name, state, grade) VALUES ('sc-' || gen_random_uuid(), '江南点卡', 'active', 'C') RETURNING id"
    )  # fmt: skip
    number = int(row.fetchone()[0])
    for grade, reasons in (
        ("A", [{"code": "grade", "from": None, "to": "A"}]),
        ("C", [{"code": "recent_success", "value": 6200, "limit": 8500, "from": "A", "to": "C"},
               {"code": "points", "metric": "success", "from": 300, "to": 79}]),
    ):  # fmt: skip
        owner.execute(
            "INSERT INTO supplier_score(supplier_id, purchases, score, grade, metrics, reasons) VALUES (%s, 40, 436, %s, %s, %s)",
            (number, grade, json.dumps(METRICS), json.dumps(reasons)),
        )
    yield number
    owner.execute("UPDATE supplier SET state = 'closed' WHERE id = %s", (number,))


def test_the_list_is_empty_before_there_are_suppliers(console):
    assert "还没有合作中的供应商" in console.get("/admin/scores/", "purchasing")


def test_the_list_and_the_card_say_in_words_what_moved_a_grade(console, supplier):
    page = console.get("/admin/scores/", "purchasing")
    assert "江南点卡" in page
    assert "近期成功率 62.0%，低于 85.0%，立即降级" in page
    page = console.get(f"/admin/scores/{supplier}", "purchasing")
    for words in (
        "成功率 300 → 79 分",
        "34 / 40",
        "85.0%",
        "未评级 → A",
        "没有数据",
        "chart-score",
    ):
        assert words in page, words
    console.get("/admin/scores/999999999", expected=404)


def test_only_who_manages_suppliers_computes_and_resumes(console, supplier):
    page = console.done(f"/admin/scores/{supplier}/compute", "purchasing")
    assert "已重新评分" in page
    assert "采购 0 次，不足 20 次" in page
    assert "个等级有变化" in console.done("/admin/scores/compute", "purchasing")
    assert console.post("/admin/scores/compute", "support").status_code == 403
    console.market.owner.execute(
        "UPDATE supplier SET state = 'paused', pause_reason = 'recent_success value=4000 limit=5000 purchases=10' WHERE id = %s",
        (supplier,),
    )
    page = console.get(f"/admin/scores/{supplier}")
    assert "近期成功率 40.0%，低于 50.0%，已暂停采购" in page
    refused = console.post(f"/admin/scores/{supplier}/resume", "purchasing", reason="")
    assert "请写明原因" in console.get(refused.location, "purchasing")
    page = console.done(f"/admin/scores/{supplier}/resume", "purchasing", reason="对方已修复")
    assert "合作中" in page


def fields(console: Any) -> dict[str, str]:
    from kameng.db import main_scope
    from kameng.suppliers import api as suppliers
    from kameng_admin.views.score_rules import _shown

    with console.market.app.app_context(), main_scope(reason="test"):
        return _shown(suppliers.score_rules())


def test_rules_are_previewed_before_they_are_saved(console, supplier):
    given = fields(console)
    assert (given["success.full"], given["demote_below_bp"]) == ("99", "85")
    page = console.get("/admin/score-rules/", "purchasing")
    assert "先看谁会变" in page
    answer = console.post("/admin/score-rules/", "purchasing", **{**given, "do": "preview"})
    assert answer.status_code == 200
    assert "江南点卡" in answer.text
    assert "保存规则" in answer.text
    changed = {**given, "success.weight": "400", "pause_below_bp": "42.5", "do": "save"}
    assert "评分规则已保存" in console.done("/admin/score-rules/", "purchasing", **changed)
    assert fields(console) == {**given, "success.weight": "400", "pause_below_bp": "42.5"}
    console.done("/admin/score-rules/", "purchasing", **{**given, "do": "save"})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("success.weight", "x", "请填写数字"), ("success.weight", "1.5", "请填写数字"),
        ("success.weight", "1001", "权重要在 0 到 1000 之间"), ("on_time.full", "70", "满分值与零分值不能相同"),
        ("a_from", "700", "A 级的起点要高于 B 级"), ("pause_below_bp", "90", "暂停线不能高于降级线"),
        ("window_days", "0", "这个数超出范围"), ("papers.zero", "1e3", "请填写数字"), ("papers.full", "", "请填写数字"),
    ],
)  # fmt: skip
def test_rules_that_do_not_hold_are_refused_at_their_field(console, name, value, says):
    given = {**fields(console), name: value, "do": "save"}
    answer = console.post("/admin/score-rules/", "purchasing", **given)
    assert answer.status_code == 422
    assert says in answer.text
    assert fields(console)[name] != value


def test_support_sees_no_scores(console):
    console.get("/admin/scores/", "support", expected=403)
    assert console.post("/admin/score-rules/", "support", do="save").status_code == 403
