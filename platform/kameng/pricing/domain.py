"""Pricing rules, pure: from cost down the tree of stations to the shopper's price.

Amounts are whole numbers at scale 4 (1 yuan = 10 000). `cost + sum(margins) == price` always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

Operation = Literal["multiply", "add", "fixed"]
Rounding = Literal["up", "down", "half_up"]
Purpose = Literal["wholesale", "retail"]

ONE = 10_000  # ×1 of a multiply rule
FEN = 100
MAX_AMOUNT = 10**12  # a hundred million yuan: beyond it an input is a slip of the hand
MAX_FACTOR = 100 * ONE

Step = dict[str, Any]
OPERATIONS: tuple[Operation, ...] = ("multiply", "add", "fixed")
ROUNDINGS: tuple[Rounding, ...] = ("up", "down", "half_up")

LABELS = {
    "cost": "上游成本",
    "buy": "进货价",
    "wholesale": "批发价规则",
    "wholesale_default": "没有批发规则，按进价",
    "retail": "零售价规则",
    "retail_inherited": "沿用上级的零售价规则",
    "retail_default": "没有零售规则，按默认加价",
    "fixed": "本站定价",
    "floor": "不低于最低限价",
    "ceiling": "不高于最高限价",
    "guard": "不低于进货价",
    "price": "本店售价",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One price rule as stored; empty selectors match everything."""

    station_id: int
    purpose: str
    operation: str
    value: int
    id: int = 0
    grade: str | None = None
    category_id: int | None = None
    sku_id: int | None = None
    for_station_id: int | None = None
    rounding_step: int = 1
    rounding: str = "half_up"
    floor_price: int | None = None
    ceiling_price: int | None = None
    note: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule is matched against: a SKU in its categories (own first), for one station."""

    sku_id: int
    categories: tuple[int, ...]
    station_id: int
    grade: str


@dataclass(frozen=True, slots=True)
class Goods:
    """What pricing needs to know of a SKU."""

    sku_id: int
    cost: int
    categories: tuple[int, ...] = ()
    floor_price: int | None = None
    ceiling_price: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A station on the path from the main station down to the seller."""

    station_id: int
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole way from cost to price of one SKU at one station."""

    cost: int
    buy_price: int
    price: int
    parties: tuple[int, ...]
    margins: tuple[int, ...]
    full_explain: tuple[Step, ...]
    station_explain: tuple[Step, ...]


DEFAULT_WHOLESALE = Rule(0, "wholesale", "multiply", ONE)
DEFAULT_RETAIL = Rule(0, "retail", "multiply", 11_000, rounding_step=FEN, rounding="up")

FindRule = Callable[[int, str, Target], Rule | None]


def round_to(amount: int, step: int, rounding: str) -> int:
    """`amount` as a multiple of `step`, rounded up, down or half up."""
    low = amount - amount % step
    if low == amount or rounding == "down":
        return low
    if rounding == "up":
        return low + step
    return low + step if (amount - low) * 2 >= step else low


def apply_rule(
    amount: int,
    operation: str,
    value: int,
    step: int = 1,
    rounding: str = "half_up",
    floor: int | None = None,
    ceiling: int | None = None,
) -> int:
    """One rule on one amount: operation, rounding, then floor and ceiling. Never below zero."""
    if operation == "multiply":
        # Rounded once, exactly: the product is compared at scale 8, not cut to scale 4 first.
        result = round_to(amount * value, step * ONE, rounding) // ONE
    elif operation == "add":
        result = round_to(amount + value, step, rounding)
    elif operation == "fixed":
        result = round_to(value, step, rounding)
    else:
        raise ValueError(f"unknown operation {operation!r}")
    return max(0, clamp(result, floor, ceiling))


def clamp(amount: int, floor: int | None, ceiling: int | None) -> int:
    """Between the two limits; where they contradict, the floor wins."""
    if ceiling is not None:
        amount = min(amount, ceiling)
    if floor is not None:
        amount = max(amount, floor)
    return amount


def rule_problem(rule: Rule) -> str:
    """Why a rule may not be saved, as a code; empty when it may."""
    if rule.purpose not in ("wholesale", "retail") or rule.operation not in OPERATIONS:
        return "operation"
    if rule.rounding not in ROUNDINGS or not 1 <= rule.rounding_step <= 1_000 * ONE:
        return "rounding"
    least = {"multiply": 1, "add": -MAX_AMOUNT, "fixed": 1}[rule.operation]
    most = MAX_FACTOR if rule.operation == "multiply" else MAX_AMOUNT
    if not least <= rule.value <= most:
        return "value"
    bounds = [limit for limit in (rule.floor_price, rule.ceiling_price) if limit is not None]
    if any(not 0 <= limit <= MAX_AMOUNT for limit in bounds) or bounds != sorted(bounds):
        return "limits"
    if rule.purpose == "retail" and (rule.grade or rule.for_station_id):
        return "selector"
    return ""


def specificity(rule: Rule, target: Target) -> tuple[int, ...] | None:
    """How closely a rule fits, comparable; None when it does not fit at all."""
    if not rule.active or rule.sku_id not in (None, target.sku_id):
        return None
    if rule.for_station_id is not None and rule.for_station_id != target.station_id:
        return None
    if rule.grade is not None and rule.grade != target.grade:
        return None
    nearness = 0
    if rule.category_id is not None:
        if rule.category_id not in target.categories:
            return None
        nearness = len(target.categories) - target.categories.index(rule.category_id)
    return (
        rule.sku_id is not None,
        rule.for_station_id is not None,
        nearness,
        rule.grade is not None,
        rule.id,
    )


def most_specific(rules: Iterable[Rule], target: Target) -> Rule | None:
    """The rule that wins: SKU, then station, then nearest category, then grade, then newest."""
    best: Rule | None = None
    best_rank: tuple[int, ...] = ()
    for rule in rules:
        rank = specificity(rule, target)
        if rank is not None and (best is None or rank > best_rank):
            best, best_rank = rule, rank
    return best


def wholesale(
    goods: Goods, cost: int, child: Level, owner_id: int, find: FindRule
) -> tuple[int, list[Step]]:
    """What `child` pays to the station above it, and how that came about."""
    target = Target(goods.sku_id, goods.categories, child.station_id, child.grade)
    rule = find(owner_id, "wholesale", target)
    steps: list[Step] = []
    code = "wholesale" if rule else "wholesale_default"
    price = _by_rule(cost, rule or DEFAULT_WHOLESALE, code, steps, owner_id)
    return _guarded(price, cost, steps, owner_id, step_size=1), steps


def retail(
    goods: Goods, path: Sequence[Level], buy: int, fixed_price: int | None, find: FindRule
) -> tuple[int, list[Step]]:
    """The shopper's price in whole fen at the last station of `path`, never below `buy`."""
    seller = path[-1].station_id
    steps: list[Step] = []
    if fixed_price is not None:
        price = round_to(fixed_price, FEN, "half_up")
        steps.append(_step("fixed", buy, "fixed", fixed_price, price, seller))
    else:
        rule, code = _retail_rule(goods, path, find)
        price = _by_rule(buy, _whole_fen(rule), code, steps, seller)
    for code, limit in (("ceiling", goods.ceiling_price), ("floor", goods.floor_price)):
        floor, ceiling = (limit, None) if code == "floor" else (None, limit)
        limited = round_to(clamp(price, floor, ceiling), FEN, "up" if code == "floor" else "down")
        if limit is not None and limited != price:
            steps.append(_step(code, price, code, limit, limited, seller))
            price = limited
    price = _guarded(price, buy, steps, seller, step_size=FEN)
    return price, steps


def compute_chain(
    goods: Goods, path: Sequence[Level], fixed_price: int | None, find: FindRule
) -> Chain:
    """Cost → each level's purchase price → the seller's retail price, with margins and reasons."""
    prices = [goods.cost]
    steps = [cost_step(goods, path[0].station_id)]
    for owner, child in pairwise(path):
        price, more = wholesale(goods, prices[-1], child, owner.station_id, find)
        prices.append(price)
        steps.extend(more)
    return finish_chain(goods, path, prices, steps, fixed_price, find)


def cost_step(goods: Goods, station_id: int) -> Step:
    """Where every chain begins."""
    return _step("cost", goods.cost, "start", goods.cost, goods.cost, station_id)


def finish_chain(
    goods: Goods,
    path: Sequence[Level],
    prices: Sequence[int],
    upstream: Sequence[Step],
    fixed_price: int | None,
    find: FindRule,
) -> Chain:
    """The retail end of a chain whose purchase prices (cost first) are known."""
    buy = prices[-1]
    price, own = retail(goods, path, buy, fixed_price, find)
    seller = path[-1].station_id
    margins = [after - before for before, after in pairwise(prices)]
    margins.append(price - buy)
    result = _step("price", price, "result", price, price, seller) | {"public": True}
    return Chain(
        cost=goods.cost,
        buy_price=buy,
        price=price,
        parties=tuple(level.station_id for level in path),
        margins=tuple(margins),
        full_explain=(*upstream, *own, result),
        # The station sees its own purchase price as the beginning, nothing of the levels above.
        station_explain=(_step("buy", buy, "start", buy, buy, seller), *own, result),
    )


def _retail_rule(goods: Goods, path: Sequence[Level], find: FindRule) -> tuple[Rule, str]:
    """The seller's own rule, else the nearest one above, else the default mark-up."""
    for level in reversed(path):
        target = Target(goods.sku_id, goods.categories, level.station_id, level.grade)
        rule = find(level.station_id, "retail", target)
        if rule is not None:
            return rule, "retail" if level is path[-1] else "retail_inherited"
    return DEFAULT_RETAIL, "retail_default"


def _whole_fen(rule: Rule) -> Rule:
    """A shopper pays whole fen: a finer or odd step becomes one fen."""
    if rule.rounding_step % FEN == 0:
        return rule
    return Rule(
        rule.station_id,
        rule.purpose,
        rule.operation,
        rule.value,
        rule.id,
        rounding_step=FEN,
        rounding=rule.rounding,
        floor_price=rule.floor_price,
        ceiling_price=rule.ceiling_price,
    )


def _by_rule(amount: int, rule: Rule, code: str, steps: list[Step], station_id: int) -> int:
    plain = apply_rule(amount, rule.operation, rule.value, rule.rounding_step, rule.rounding)
    steps.append(_step(code, amount, rule.operation, rule.value, plain, station_id))
    limited = clamp(plain, rule.floor_price, rule.ceiling_price)
    if limited != plain:
        kind = "floor" if limited > plain else "ceiling"
        steps.append(_step(kind, plain, kind, limited, limited, station_id))
    return limited


def _guarded(price: int, buy: int, steps: list[Step], station_id: int, step_size: int) -> int:
    """Margin guard: nobody sells below what they pay, and nothing is given away."""
    least = max(round_to(buy, step_size, "up"), step_size if step_size == FEN else 0)
    safe = max(round_to(price, step_size, "up"), least)
    if safe != price:
        steps.append(_step("guard", price, "guard", least, safe, station_id))
    return safe


def _step(code: str, before: int, operation: str, value: int, after: int, station_id: int) -> Step:
    return {
        "code": code,
        "label": LABELS[code],
        "input": before,
        "operation": operation,
        "value": value,
        "output": after,
        "station_id": station_id,
    }
