"""What must be true of every run: pure functions over the history and the facts of the end.

Each returns sentences, one for a violation; none is what we want. Orders are found by their
idempotency key, which is the operation's name in the history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from .facts import Facts, OrderFact
from .history import Event, Operation, operations

SERVED = frozenset({"delivered", "completed"})
# The state machine's ends: goods handed over, money given back, or never paid for and let go.
TERMINAL = SERVED | {"refunded", "expired", "cancelled"}
# What may not follow once goods were handed over: only money back may.
BEFORE_DELIVERY = frozenset(
    {"pending_payment", "paid", "fulfilling", "held", "expired", "cancelled"}
)
Sentences = list[str]


def check(events: Sequence[Event], facts: Facts) -> dict[str, Sentences]:
    """All violations by the name of the rule."""
    found = {rule.__name__: rule(events, facts) for rule in RULES}
    return {name: sentences for name, sentences in found.items() if sentences}


def acknowledged_orders_are_there(events: Sequence[Event], facts: Facts) -> Sentences:
    """Each acknowledged order exists, as it was asked for, under the number that was told."""
    orders, wrong = _by_key(facts), []
    for op in operations(events, "buy").values():
        if op.outcome != "ok":
            continue
        order = orders.get(op.op)
        if order is None:
            wrong.append(f"{op.op} was acknowledged and is not there")
            continue
        if (order.sku, order.quantity) != (op.asked["sku"], op.asked["quantity"]):
            wrong.append(f"{op.op} asked for {op.asked}, got {order.quantity} of {order.sku}")
        told = {e["order_no"] for e in op.answers("ok") if "order_no" in e}
        if told - {order.order_no}:
            wrong.append(f"{op.op} is order {order.order_no}, told was {sorted(told)}")
    return wrong


def refused_orders_are_absent(events: Sequence[Event], facts: Facts) -> Sentences:
    """What was refused in the end has left no order, and was not acknowledged before."""
    orders, wrong = _by_key(facts), []
    for op in operations(events, "buy").values():
        if op.outcome == "fail" and op.op in orders:
            wrong.append(f"{op.op} was refused and is order {orders[op.op].order_no}")
        if (op.outcome == "fail" and op.answers("ok")) or (
            op.outcome == "ok" and op.answers("fail")
        ):
            wrong.append(f"{op.op} was both acknowledged and refused")
    return wrong


def orders_were_asked_for(events: Sequence[Event], facts: Facts) -> Sentences:
    """No order that no client has asked for, and none twice under one key."""
    asked = operations(events, "buy")
    times = Counter(order.key for order in facts.orders)
    wrong = [f"{key} is {n} orders" for key, n in times.items() if n > 1]
    return wrong + [f"nobody asked for {key}" for key in times if key not in asked]


def reads_agree(events: Sequence[Event], facts: Facts) -> Sentences:
    """An acknowledged order can be read from then on, and what was delivered stays delivered."""
    buys, last, wrong = operations(events, "buy"), dict[str, str](), []
    for event in (e for e in events if e["what"] == "read" and e["event"] in ("ok", "fail")):
        of = event["of"]
        told = [e["t"] for e in buys[of].answers("ok")] if of in buys else []
        if event["event"] == "fail" and told and min(told) < event["t"]:
            wrong.append(f"{of} was acknowledged at {min(told)} and unknown at {event['t']}")
        state = event.get("state", "")
        if last.get(of) in SERVED and state in BEFORE_DELIVERY:
            wrong.append(f"{of} was delivered, and {state} at {event['t']}")
        last[of] = state or last.get(of, "")
    return wrong


def acknowledged_orders_end(events: Sequence[Event], facts: Facts) -> Sentences:
    """Every order has ended, or a person must decide and was told; unpaid ones may still wait."""
    wrong = []
    for order in facts.orders:
        unpaid = order.state == "pending_payment" and not facts.kept.get(order.key)
        if order.state in TERMINAL or order.waits or (unpaid and not order.overdue):
            continue
        wrong.append(f"{order.key} ({order.order_no}, {order.sku}) is still {order.state}")
    return wrong


def no_card_twice(events: Sequence[Event], facts: Facts) -> Sentences:
    """No card was shown for two orders, and no order has more cards than it asked for."""
    shown: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for card in event.get("cards", ()):
            shown[card].add(event["of"])
    wrong = [f"card {card} was shown for {sorted(of)}" for card, of in shown.items() if len(of) > 1]
    for order in facts.orders:
        if order.cards_sold + order.cards_held > order.quantity:
            wrong.append(f"{order.key} has more than its {order.quantity} cards")
    return wrong


def no_card_is_lost(events: Sequence[Event], facts: Facts) -> Sentences:
    """Each card of a pool is free, kept for an order that waits, or sold to one that was served."""
    wrong, sold = [], Counter[str]()
    for order in facts.orders:
        sold[order.sku] += order.cards_sold
        due = order.quantity - order.short if order.state in SERVED and order.is_cards else 0
        if order.state in TERMINAL and order.cards_sold != due and order.state != "refunded":
            wrong.append(f"{order.key} ({order.state}) has {order.cards_sold} cards, due are {due}")
        if order.state in TERMINAL and order.cards_held:
            wrong.append(f"{order.key} ({order.state}) still holds cards")
    for sku, pool in facts.pools.items():
        if pool.free + pool.held + pool.sold != pool.imported:
            wrong.append(f"{sku}: {pool} does not add up")
        if pool.sold != sold[sku]:
            wrong.append(f"{sku}: {pool.sold} cards are sold, orders have {sold[sku]}")
    return wrong


def money_at_the_gateway_is_earned(events: Sequence[Event], facts: Facts) -> Sentences:
    """The gateway's own book: it holds the price of what was served and waits, and nothing else."""
    wrong = []
    for order in facts.orders:
        if order.key.startswith("api:"):
            continue
        earned = order.state in SERVED or bool(order.waits)
        due = order.payable - order.returned if earned else 0
        kept = facts.kept.get(order.key, 0)
        if kept != due and (order.state in TERMINAL or order.waits):
            wrong.append(f"{order.key} is {order.state}; the gateway holds {kept}, due is {due}")
    return wrong


def wallets_paid_for_orders(events: Sequence[Event], facts: Facts) -> Sentences:
    """What a wallet has less is what its orders cost and were not given back."""
    cost = Counter[int]()
    for order in facts.orders:
        if order.key.startswith("api:"):
            cost[int(order.key.split(":")[1])] += order.payable - order.returned
    return [
        f"member {member} has {spent} less, the orders cost {cost[member]}"
        for member, spent in facts.spent.items()
        if spent != cost[member]
    ]


def payments_were_heard(events: Sequence[Event], facts: Facts) -> Sentences:
    """Who was told by the gateway that he has paid has an order that is over or waits for a person."""
    orders, wrong = _by_key(facts), []
    for op in operations(events, "pay").values():
        paid = op.outcome == "ok" and op.asked.get("way") in ("pay", "pay_twice")
        order = orders.get(op.asked["of"])
        if paid and (order is None or order.state == "pending_payment"):
            wrong.append(f"{op.asked['of']} was paid by {op.op} and is {order and order.state}")
    return wrong


def suppliers_sold_once(events: Sequence[Event], facts: Facts) -> Sentences:
    """By the suppliers' own records no number has bought twice, and no forged notice was taken."""
    return [
        f"{name}: {word} {found[word]}"
        for name, found in facts.suppliers.items()
        for word in ("by_number", "forged_accepted")
        if found.get(word)
    ]


def books_are_clean(events: Sequence[Event], facts: Facts) -> Sentences:
    """`kameng ledger verify`."""
    return [facts.books] if facts.books else []


def _by_key(facts: Facts) -> dict[str, OrderFact]:
    return {order.key: order for order in facts.orders}


def answered(events: Sequence[Event]) -> Counter[str]:
    """How many operations of buying came to what: acknowledged, refused, unknown."""
    words = {"ok": "acknowledged", "fail": "refused", "info": "unknown"}
    found: Sequence[Operation] = list(operations(events, "buy").values())
    return Counter(words[op.outcome] for op in found)


RULES: tuple[Callable[[Sequence[Event], Facts], Sentences], ...] = (
    acknowledged_orders_are_there, refused_orders_are_absent, orders_were_asked_for, reads_agree,
    acknowledged_orders_end, no_card_twice, no_card_is_lost, money_at_the_gateway_is_earned,
    wallets_paid_for_orders, payments_were_heard, suppliers_sold_once, books_are_clean,
)  # fmt: skip
