"""Price rules: exact arithmetic, the most specific rule wins, nobody sells at a loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.pricing.domain import (
    Chain,
    Goods,
    Level,
    Rule,
    Target,
    apply_rule,
    compute_chain,
    most_specific,
    round_to,
    rule_problem,
)

MAIN, CITY, CAMPUS = Level(1, ""), Level(2, "gold"), Level(3, "bronze")


def chain(rules: list[Rule], goods: Goods, path: list[Level], fixed: int | None = None) -> Chain:
    def find(owner: int, purpose: str, target: Target) -> Rule | None:
        mine = [rule for rule in rules if rule.station_id == owner and rule.purpose == purpose]
        return most_specific(mine, target)

    return compute_chain(goods, path, fixed, find)


@pytest.mark.parametrize(
    ("amount", "operation", "value", "step", "rounding", "expected"),
    [
        (940_000, "multiply", 10_500, 1, "half_up", 987_000),
        (940_000, "add", 5_000, 1, "half_up", 945_000),
        (940_000, "fixed", 985_000, 1, "half_up", 985_000),
        (333_333, "multiply", 10_333, 100, "half_up", 344_400),
        (333_333, "multiply", 10_333, 100, "up", 344_500),
        (333_333, "multiply", 10_333, 100, "down", 344_400),
        (10_000, "add", -50_000, 1, "half_up", 0),
        (5, "multiply", 1, 1, "up", 1),
    ],
)
def test_T2_operations_and_rounding(
    amount: int, operation: str, value: int, step: int, rounding: str, expected: int
) -> None:
    assert apply_rule(amount, operation, value, step, rounding) == expected


def test_T2_floor_and_ceiling_bound_the_result() -> None:
    assert apply_rule(10_000, "multiply", 20_000, floor=30_000) == 30_000
    assert apply_rule(10_000, "multiply", 20_000, ceiling=15_000) == 15_000
    assert apply_rule(10_000, "multiply", 20_000, floor=30_000, ceiling=15_000) == 30_000


def test_half_is_rounded_up_exactly() -> None:
    assert round_to(150, 100, "half_up") == 200
    assert round_to(149, 100, "half_up") == 100


def test_T2_the_most_specific_rule_wins() -> None:
    rules = [
        Rule(1, "wholesale", "multiply", 10_900, id=9),
        Rule(1, "wholesale", "multiply", 10_400, id=1, grade="gold"),
        Rule(1, "wholesale", "multiply", 10_300, id=2, category_id=8),
        Rule(1, "wholesale", "multiply", 10_250, id=3, category_id=7),
        Rule(1, "wholesale", "multiply", 10_200, id=4, for_station_id=2),
        Rule(1, "wholesale", "multiply", 10_100, id=5, sku_id=5),
    ]
    target = Target(5, (7, 8), 2, "gold")
    for expected in (10_100, 10_200, 10_250, 10_300, 10_400, 10_900):
        best = most_specific(rules, target)
        assert best is not None
        assert best.value == expected
        rules.remove(best)
    assert most_specific(rules, target) is None


def test_a_rule_for_others_does_not_match() -> None:
    rules = [
        Rule(1, "wholesale", "add", 1, grade="silver"),
        Rule(1, "wholesale", "add", 1, sku_id=6),
        Rule(1, "wholesale", "add", 1, category_id=99),
        Rule(1, "wholesale", "add", 1, for_station_id=3),
    ]
    assert most_specific(rules, Target(5, (7,), 2, "gold")) is None


def test_T2_a_price_goes_down_the_tree_level_by_level() -> None:
    rules = [
        Rule(1, "wholesale", "multiply", 10_200),
        Rule(2, "wholesale", "add", 5_000),
        Rule(3, "retail", "multiply", 10_300, rounding="up"),
    ]
    result = chain(rules, Goods(5, 940_000), [MAIN, CITY, CAMPUS])
    assert result.buy_price == 963_800
    assert result.price == 992_800  # 963 800 × 1.03 = 992 714, up to whole fen
    assert result.parties == (1, 2, 3)
    assert result.margins == (18_800, 5_000, 29_000)


def test_the_main_station_buys_at_cost() -> None:
    result = chain([Rule(1, "retail", "add", 10_000)], Goods(5, 940_000), [MAIN])
    assert (result.buy_price, result.price, result.margins) == (940_000, 950_000, (10_000,))


def test_T2_retail_never_falls_below_the_purchase_price() -> None:
    rules = [Rule(1, "retail", "multiply", 5_000)]
    result = chain(rules, Goods(5, 940_050, ceiling_price=800_000), [MAIN], fixed=100)
    assert result.price == 940_100
    assert result.full_explain[-2]["code"] == "guard"


def test_a_free_sku_still_costs_one_fen() -> None:
    assert chain([], Goods(5, 0), [MAIN]).price == 100


def test_a_fixed_price_beats_the_rule() -> None:
    rules = [Rule(1, "retail", "multiply", 20_000)]
    assert chain(rules, Goods(5, 940_000), [MAIN], fixed=985_000).price == 985_000


def test_sku_limits_bound_every_retail_price() -> None:
    goods = Goods(5, 940_000, floor_price=990_000, ceiling_price=1_000_000)
    assert chain([], goods, [MAIN], fixed=950_000).price == 990_000
    assert chain([], goods, [MAIN], fixed=2_000_000).price == 1_000_000


def test_a_station_without_a_rule_follows_the_one_above() -> None:
    result = chain([Rule(1, "retail", "add", 20_000)], Goods(5, 940_000), [MAIN, CITY])
    assert result.price == 960_000
    assert result.station_explain[1]["code"] == "retail_inherited"


def test_T12_a_station_sees_nothing_of_the_levels_above() -> None:
    rules = [Rule(1, "wholesale", "multiply", 10_200), Rule(2, "wholesale", "add", 5_000)]
    result = chain(rules, Goods(5, 940_000), [MAIN, CITY, CAMPUS])
    for step in result.station_explain:
        assert step["station_id"] == 3
        assert step["code"] not in ("cost", "wholesale")
        assert 940_000 not in step.values()
    assert [step["code"] for step in result.station_explain if step.get("public")] == ["price"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (Rule(1, "retail", "multiply", 0), "value"),
        (Rule(1, "retail", "multiply", 2_000_000), "value"),
        (Rule(1, "retail", "fixed", -1), "value"),
        (Rule(1, "retail", "power", 2), "operation"),
        (Rule(1, "retail", "add", 1, rounding_step=0), "rounding"),
        (Rule(1, "retail", "add", 1, floor_price=5, ceiling_price=3), "limits"),
        (Rule(1, "retail", "add", 1, grade="gold"), "selector"),
        (Rule(1, "wholesale", "add", -5, grade="gold"), ""),
    ],
)
def test_a_senseless_rule_is_refused(rule: Rule, problem: str) -> None:
    assert rule_problem(rule) == problem


amounts = st.integers(0, 10**9)
maybe_amounts = st.none() | amounts
operations = st.one_of(
    st.tuples(st.just("multiply"), st.integers(1, 1_000_000)),
    st.tuples(st.just("add"), st.integers(-(10**6), 10**6)),
    st.tuples(st.just("fixed"), st.integers(1, 10**9)),
)


@st.composite
def any_rules(draw: st.DrawFn) -> list[Rule]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        operation, value = draw(operations)
        found.append(
            Rule(
                draw(st.integers(1, 4)),
                draw(st.sampled_from(("wholesale", "retail"))),
                operation,
                value,
                number,
                grade=draw(st.none() | st.sampled_from(("", "gold"))),
                sku_id=draw(st.none() | st.integers(5, 6)),
                rounding_step=draw(st.sampled_from((1, 7, 100, 1_000, 10_000))),
                rounding=draw(st.sampled_from(("up", "down", "half_up"))),
                floor_price=draw(maybe_amounts),
                ceiling_price=draw(maybe_amounts),
            )
        )
    return found


@given(
    rules=any_rules(),
    cost=amounts,
    depth=st.integers(1, 4),
    limits=st.tuples(maybe_amounts, maybe_amounts),
    fixed=st.none() | st.integers(1, 10**9),
)
def test_T2_cost_and_margins_always_add_up_to_the_price(
    rules: list[Rule],
    cost: int,
    depth: int,
    limits: tuple[int | None, int | None],
    fixed: int | None,
) -> None:
    path = [Level(number, "gold") for number in range(1, depth + 1)]
    result = chain(rules, Goods(5, cost, (), *limits), path, fixed)
    assert cost + sum(result.margins) == result.price
    assert all(margin >= 0 for margin in result.margins)
    assert len(result.parties) == len(result.margins) == depth
    assert result.price >= max(100, result.buy_price)
    assert result.price % 100 == 0
    for before, after in zip(result.full_explain, result.full_explain[1:], strict=False):
        assert before["output"] == after["input"], "each step goes on where the last one ended"
