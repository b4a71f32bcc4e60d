"""S9: who fails now is put behind at once or stopped, and comes back without flapping."""

from __future__ import annotations

from kameng.suppliers import api as suppliers
from kameng.suppliers import tasks


def watch(past):
    return past.run(tasks.watch_recent_success)


def test_two_failures_in_ten_put_a_supplier_behind_at_once(past):
    falls = past.supplier("falls", grade="A")
    past.bought(falls, 8)
    past.bought(falls, 1, state="declined")
    assert watch(past) == 0
    past.bought(falls, 1, state="declined")
    assert watch(past) == 1
    assert past.row(falls)[:2] == ("active", "C")
    (reason,) = past.cards(falls)[0][3]
    assert reason == {
        "code": "recent_success", "from": "A", "to": "C", "value": 8000, "limit": 8500, "purchases": 10,
    }  # fmt: skip
    assert past.alert(falls, "supplier_demoted") == "open"
    assert past.told(falls) == 1
    assert watch(past) == 0  # once is enough


def test_a_supplier_without_a_grade_and_with_little_to_judge_is_judged_by_its_failures(past):
    new = past.supplier("new")
    past.bought(new, 2, state="declined")
    watch(past)
    assert past.row(new)[:2] == ("active", "C")


def test_most_of_ten_failing_stops_a_supplier_until_a_person_resumes_it(past):
    bad = past.supplier("bad", grade="B")
    past.bought(bad, 4)
    past.bought(bad, 6, state="declined")
    watch(past)
    state, grade, why = past.row(bad)
    assert (state, grade) == ("paused", "B")
    assert why == "recent_success value=4000 limit=5000 purchases=10"
    assert past.alert(bad, "supplier_paused") == "open"
    audit = "SELECT detail FROM audit_event WHERE action = 'supplier.pause' AND subject = %s"
    assert past.shop.one(audit, f"supplier:{bad}") == {
        "value": 4000,
        "limit": 5000,
        "purchases": 10,
    }
    assert watch(past) == 0
    past.run(suppliers.set_state, bad, "active", "他们修好了", "staff:1")
    assert past.row(bad) == ("active", "B", "")
    assert past.told(bad) == 2
    assert watch(past) == 0  # what failed before has been dealt with
    assert past.alert(bad, "supplier_paused") == "closed"


def test_an_unknown_outcome_counts_against_a_supplier_after_five_minutes(past):
    mute = past.supplier("mute", grade="A")
    made = past.bought(mute, 2, state="succeeded")
    past.bought(mute, 1, state="declined")
    past.shop.plant(f"UPDATE purchase SET state = 'unknown', done_at = NULL WHERE id = {made[0]}")
    assert watch(past) == 0
    past.shop.plant(
        f"UPDATE purchase SET sent_at = now() - interval '6 minutes' WHERE id = {made[0]}"
    )
    assert watch(past) == 1
    assert past.row(mute)[1] == "C"


def test_internal_and_fixed_suppliers_keep_their_grade(past):
    own, fixed = past.supplier("own", internal=True), past.supplier("fixed", grade="A")
    past.shop.plant(f"UPDATE supplier SET grade_fixed = true WHERE id = {fixed}")
    past.bought(own, 10, state="declined")
    past.bought(fixed, 3, state="declined")
    watch(past)
    assert past.row(own)[0] == "active"
    assert past.row(fixed)[1] == "A"
    assert past.alert(fixed, "supplier_demoted") == "open"
    past.shop.plant(f"UPDATE supplier SET state = 'closed' WHERE id = {own}")


def test_a_demotion_ends_after_a_full_window_of_good_purchases_and_not_before(past):
    back = past.supplier("back")
    past.papers(back)
    past.bought(back, 60, minutes_ago=600)
    past.run(suppliers.compute_scores)
    assert past.row(back)[1] == "A"
    past.bought(back, 2, state="declined", minutes_ago=2)
    watch(past)
    assert past.row(back)[1] == "C"
    past.bought(back, 9, minutes_ago=0, took_s=1)
    assert watch(past) == 0
    past.run(suppliers.compute_scores)  # the daily card does not end a young demotion
    assert past.row(back)[1] == "C"
    assert "held" in {reason["code"] for reason in past.cards(back)[0][3]}
    past.bought(back, 1, minutes_ago=0, took_s=1)
    assert watch(past) == 1
    assert past.row(back)[1] == "A"
    assert past.alert(back, "supplier_demoted") == "closed"
    assert watch(past) == 0


def test_the_daily_card_ends_an_old_demotion(past):
    idle = past.supplier("idle", grade="A")
    past.papers(idle)
    past.bought(idle, 60, minutes_ago=600)
    past.bought(idle, 2, state="declined", minutes_ago=10)
    watch(past)
    assert past.row(idle)[1] == "C"
    past.ago(idle, 7)
    past.run(tasks.compute_scorecards)
    assert past.row(idle)[1] == "C"  # the failures are still recent
    past.shop.plant("UPDATE purchase SET done_at = done_at - interval '7 hours', sent_at = sent_at - interval '7 hours'"
                    f" WHERE supplier_id = {idle}")  # fmt: skip
    past.run(tasks.compute_scorecards)
    assert past.row(idle)[1] == "A"
    assert watch(past) == 0
