"""S8: a scorecard is reckoned from what happened, kept, and graded; staff set the rules."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from kameng.errors import DomainError, NotFound
from kameng.suppliers import api as suppliers


def card(past, supplier):
    past.run(suppliers.compute_scores)
    return past.cards(supplier)[0]


def test_a_supplier_that_does_all_well_gets_an_A(past):
    good = past.supplier("good")
    past.papers(good)
    past.bought(good, 40)
    score, grade, metrics, reasons = card(past, good)
    assert (score, grade, past.row(good)[1]) == (1000, "A", "A")
    assert set(metrics) == {
        "success",
        "on_time",
        "time_outs",
        "stock_accuracy",
        "price_stability",
        "complaints",
        "papers",
    }
    assert sum(line["weight"] for line in metrics.values()) == 1000
    assert (
        metrics["on_time"] | {"p50_s": 20, "p95_s": 20, "part": 40, "whole": 40}
        == metrics["on_time"]
    )
    assert reasons == [{"code": "grade", "from": None, "to": "A"}]
    assert past.told(good) == 1


def test_each_metric_is_measured(past):
    bad = past.supplier("bad")
    past.papers(bad, "current_date - 1")
    past.bought(bad, 30)
    past.bought(bad, 4, took_s=600)
    past.bought(bad, 4, state="declined", code="no_stock")
    past.bought(bad, 2, state="declined", code="refused")
    (silent,) = past.bought(bad, 1, state="unknown", minutes_ago=2)
    past.shop.plant(
        "INSERT INTO purchase_exchange(station_id, purchase_id, step, outcome, code)"
        f" VALUES (3, {silent}, 'purchase', 'unknown', 'timed_out')"
    )
    for in_time, agreed in ((True, 50), (False, None)):
        past.shop.plant(
            "INSERT INTO supply_dispute(supplier_id, station_id, purchase_id, kind, opened_by, due_at, first_answer_at, state, agreed)"
            f" VALUES ({bad}, 3, {silent}, 'bad_card', 'staff:1', now() + interval '{1 if in_time else -1} hours',"
            f" {'now()' if in_time else 'NULL'}, 'open', {agreed or 'NULL'})"
        )
    past.shop.plant(
        "INSERT INTO supply_offer_change(supplier_id, offer_id, old_cost, new_cost, new_on_sale, source)"
        f" SELECT {bad}, id, 847273, 932000, true, 'sync' FROM supply_offer WHERE supplier_id = {bad}"
    )
    _score, grade, metrics, _reasons = card(past, bad)
    values = {metric: line["value"] for metric, line in metrics.items()}
    assert values["success"] == pytest.approx(34 / 40)
    assert values["on_time"] == pytest.approx(30 / 34, abs=1e-6)
    assert values["time_outs"] == pytest.approx(1 / 41, abs=1e-6)
    assert values["stock_accuracy"] == pytest.approx(36 / 40)
    assert values["after_sales"] == pytest.approx(1 / 2)
    assert values["complaints"] == pytest.approx(1 / 34, abs=1e-6)
    assert values["papers"] == 0
    assert 0.1 < values["price_stability"] < 0.2  # the silent rise of a tenth, and some wandering
    assert metrics["on_time"]["p95_s"] == 600
    assert grade == "D"


def test_what_is_no_fault_of_the_supplier_does_not_count(past):
    quiet = past.supplier("quiet")
    past.bought(quiet, 20)
    past.bought(quiet, 5, state="declined", code="balance")
    past.bought(quiet, 5, state="declined", code="not_sent", sends=0)
    past.bought(quiet, 5, state="declined", minutes_ago=60 * 24 * 40)  # before the window
    _score, _grade, metrics, _reasons = card(past, quiet)
    assert metrics["success"]["value"] == 1
    assert metrics["success"]["whole"] == 20


def test_too_few_purchases_give_a_score_but_no_grade(past):
    new = past.supplier("new", grade="B")
    past.bought(new, 19)
    score, grade, _metrics, reasons = card(past, new)
    assert score is not None
    assert (grade, past.row(new)[1]) == (None, None)
    assert {"code": "too_few", "value": 19, "limit": 20} in reasons


def test_internal_suppliers_and_fixed_grades_are_left_alone(past):
    own, fixed = past.supplier("own", internal=True), past.supplier("fixed", grade="D")
    past.shop.plant(f"UPDATE supplier SET grade_fixed = true WHERE id = {fixed}")
    for number in (own, fixed):
        past.bought(number, 25)
    past.run(suppliers.compute_scores)
    assert past.cards(own) == []
    assert past.row(own)[1] is None
    assert past.row(fixed)[1] == "D"
    assert {"code": "fixed", "grade": "D"} in past.cards(fixed)[0][3]
    past.shop.plant(f"UPDATE supplier SET state = 'closed' WHERE id = {own}")


def test_one_card_is_computed_now_and_says_what_moved(past):
    now = past.supplier("now")
    past.papers(now)
    past.bought(now, 30)
    past.run(suppliers.compute_score, now, "staff:1")
    past.bought(now, 10, state="declined")
    past.run(suppliers.compute_score, now, "staff:1")
    after, _before = past.cards(now)
    moved = next(reason for reason in after[3] if reason["code"] == "points")
    assert moved["metric"] == "success"
    assert moved["from"] > moved["to"] == 0
    action = "SELECT count(*) FROM audit_event WHERE action = 'score.compute' AND subject = %s"
    assert past.shop.one(action, f"supplier:{now}") == 2
    with pytest.raises(NotFound):
        past.run(suppliers.compute_score, 10**9, "staff:1")


def test_edited_rules_are_previewed_checked_and_audited(past):
    mine = past.supplier("mine")
    past.bought(mine, 40)
    past.bought(mine, 4, state="declined")
    found = past.run(suppliers.score_rules)
    past.run(suppliers.compute_scores)
    assert past.row(mine)[1] == "B"
    strict = replace(found.terms, a_from=990, b_from=980, c_from=970)
    (preview,) = [
        p for p in past.run(suppliers.preview_grades, found.rules, strict) if p.supplier_id == mine
    ]
    assert (preview.grade, preview.new_grade) == ("B", "D")
    assert past.row(mine)[1] == "B"
    with pytest.raises(DomainError) as refused:
        past.run(suppliers.save_score_rules, found.rules, replace(strict, b_from=995), "staff:1")
    assert refused.value.facts == {"field": "a_from"}
    heavier = [
        replace(rule, weight=500, full_at=Fraction(97, 100)) if rule.metric == "success" else rule
        for rule in found.rules
    ]
    past.run(suppliers.save_score_rules, heavier, strict, "staff:1")
    try:
        saved = past.run(suppliers.score_rules)
        assert (saved.terms, saved.updated_by) == (strict, "staff:1")
        assert saved.rules[0].weight == 500
        assert saved.rules[0].full_at == Fraction(97, 100)
        detail = past.shop.one(
            "SELECT detail FROM audit_event WHERE action = 'score.rules' ORDER BY id DESC LIMIT 1"
        )
        assert detail["new"]["success"] == "500: 0.8–0.97"
        assert detail["old"]["a_from"] == found.terms.a_from
    finally:
        past.run(suppliers.save_score_rules, found.rules, found.terms, "staff:1")
