"""States that nobody should meet, for the tests of refusals and of effects: each function makes one, and gives the numbers to name it by."""

from __future__ import annotations

import secrets
from typing import Any

from . import locking as made
from .gate import PLUGIN
from .locking import DEER, Names


def planted(prepare: made.Prepare, *statements: str) -> made.Prepare:
    """What `prepare` makes, and then by the owner's hand."""

    def make(shop: Any) -> Names:
        found = prepare(shop)
        for statement in statements:
            shop.plant(statement.format(**found))
        return found

    return make


def closed_difference(shop: Any) -> Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET state = 'resolved' WHERE id = {found['id']}")
    return found


def even(shop: Any) -> Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET theirs = ours WHERE id = {found['id']}")
    return found


def of_station(shop: Any) -> Names:
    return made.difference(shop, 2)


def asked_difference(shop: Any) -> Names:
    """Asked for, and nobody has said a word."""
    found = made.difference(shop)
    shop.guarded(
        "request_difference", p_station=1, p_id=found["id"], p_note="lost", p_actor="staff:1"
    )
    return found


def poor(shop: Any) -> Names:
    """An agreed move of more than a station has earned, which its floor alone would let through."""
    made.earned(shop)
    return {"id": made.agreed_move(shop, 1500100)}


def payout_without_word(shop: Any) -> Names:
    return made.withdrawal(
        shop, word="waiting",
        more=", approved_at = now(), plugin_id = 'payment-gate', next_try_at = now()",
    )  # fmt: skip


def broke(shop: Any) -> Names:
    """Two members with keys whose wallets are empty."""
    found = made.two_buyers(shop)
    shop.plant("UPDATE account_balance b SET balance = 0 FROM account a WHERE a.id = b.account_id AND a.kind = 'wallet'")  # fmt: skip
    return found


def for_sale(shop: Any) -> Names:
    """A SKU with cards, and a shopper who has bought nothing."""
    code, key = shop.sku(cards=9), secrets.token_hex(6)
    return {
        "sku": shop.one("SELECT id FROM sku WHERE code = %s", code), "key": key,
        "ip": f"198.51.100.{secrets.randbelow(250)}.{key}",
    }  # fmt: skip


def on_hold(shop: Any) -> Names:
    """The shopper's first order, of five."""
    found = for_sale(shop)
    assert shop.one(place(quantity=5, key="first").format(**found, n=0)) == "ok"
    return found


PLACE = """SELECT code FROM place_order(3, 'web', '{{key}}{key}', sha256('{content}'), NULL, 's:{{key}}', 'c@x.example', sha256('x'), '{ip}', 'P{{key}}{key}', {sku},
  {quantity}, {expected}, '{{{{}}}}', 'allow', '[]', 15, {cap_shopper}, {cap_ip}, 100)"""
PRICES = {1: 986100, 2: 1972100, 5: 4930300}  # what so many pieces cost, in whole fen


def place(
    *, quantity: int = 1, key: str = "x", sku: str = "{sku}", cap_shopper: int = 9, cap_ip: int = 9,
    ip: str = "{ip}", content: str = "h",
) -> str:  # fmt: skip
    """The call that places an order."""
    return PLACE.format(
        quantity=quantity, expected=PRICES[quantity], key=key, sku=sku, cap_shopper=cap_shopper, cap_ip=cap_ip, ip=ip, content=content
    )  # fmt: skip


def of_person(shop: Any, quantity: int = 2) -> Names:
    """A member's order that a person fulfils in parts, with its request and a purchase that somebody has taken."""
    desk = "SELECT c.id FROM supply_connection c JOIN supplier s ON s.id = c.supplier_id WHERE s.code = 'desk'"
    member = shop.member(DEER)
    order = made.paid(shop, shop.sku("manual"), quantity=quantity, member_id=member)
    found = {**made.names(order), "member": member, "desk": shop.one(desk)}
    found["request"] = shop.one(
        made.OPEN_REQUEST.format(**found, n=1).replace("code", "request_id", 1)
    )
    found["purchase"] = _taken(shop, found, 1)
    return found


def _taken(shop: Any, found: Names, n: int) -> int:
    number = int(shop.one(made.OPEN.format(**found, n=n).replace("code", "purchase_id", 1)))
    shop.guarded("take_purchase", p_station=DEER, p_id=number)
    return number


def no_sale(shop: Any) -> Names:
    """A SKU that may be put into a flash sale, and the number of one."""
    return {**for_sale(shop), "number": f"F{secrets.randbelow(10**14):014}"}


def flash_sale(shop: Any, units: int = 5) -> Names:
    """One that runs."""
    found = no_sale(shop)
    assert shop.one(plan(units=units).format(**found)) == "ok"
    sale = shop.one("SELECT id FROM flash_sale WHERE sale_no = %s", found["number"])
    return {**found, "sale": sale, "order": secrets.randbelow(10**9)}


def last_unit(shop: Any) -> Names:
    return flash_sale(shop, 1)


TAKE = "SELECT 'taken' FROM _take_flash_unit(3, {sale}, {order} + {n}, 'b{n}')"
PLAN = """SELECT code FROM plan_flash_sale(3, '{{number}}', {sku}, 970000, {units}, now(), now() + interval '1 hour', 't')"""


def plan(*, units: int = 5, sku: str = "(SELECT code FROM sku WHERE id = {sku})") -> str:
    """The call that plans a flash sale."""
    return PLAN.format(units=units, sku=sku)


def cancelled_sale(shop: Any) -> Names:
    """A flash sale that was called off before its time, which is over by now."""
    sku = for_sale(shop)["sku"]
    sale = shop.one("INSERT INTO flash_sale(station_id, sale_no, sku_id, price, units, starts_at, ends_at, state, created_by) "
        "VALUES (3, %s, %s, 100, 1, now() - interval '2 hours', now() - interval '1 hour', 'cancelled', 't') RETURNING id",
        f"F{secrets.randbelow(10**14):014}", sku)  # fmt: skip
    return {"sale": sale, "number": shop.one("SELECT sale_no FROM flash_sale WHERE id = %s", sale)}


def half_there(shop: Any) -> Names:
    """One of two pieces has come, the other is being bought; the order does not know of the first."""
    found = of_person(shop)
    shop.plant(
        f"UPDATE purchase SET state = 'succeeded', delivered = 1 WHERE id = {found['purchase']}"
    )
    return {**found, "purchase": _taken(shop, found, 2)}


def short(shop: Any) -> Names:
    """One of two pieces has come, and no more will."""
    found = of_person(shop)
    shop.plant(
        f"SELECT receive_purchase(3, {found['purchase']}, 1, NULL, NULL, '', '', 'x', '', '', NULL, '{{}}', 's')"
    )
    return found


def partly_come(shop: Any) -> Names:
    """An order whose purchase has brought a piece; nobody has said so to the order yet."""
    found = made.taken(shop)
    shop.plant(
        f"UPDATE purchase SET state = 'succeeded', delivered = 1 WHERE id = {found['purchase']}"
    )
    return found


def with_another_attempt(prepare: made.Prepare) -> made.Prepare:
    """The order has an attempt more that nobody has paid."""

    def make(shop: Any) -> Names:
        found = prepare(shop)
        other = shop.attempt(DEER, found["payable"], order=found["order"], plugin=PLUGIN)
        return {**found, "other": other}

    return make


def paid_twice(prepare: made.Prepare) -> made.Prepare:
    """Another attempt was paid as well, and is given back."""

    def make(shop: Any) -> Names:
        found = with_another_attempt(prepare)(shop)
        assert shop.pay(DEER, found["other"], found["payable"], plugin=PLUGIN)["code"] == "refund_surplus"  # fmt: skip
        return found

    return make


def attempt(shop: Any) -> Names:
    """The attempt that paid an order."""
    found = made.delivered(shop)
    words = "SELECT id FROM payment_attempt WHERE order_id = %s"
    return {**found, "attempt": shop.one(words, found["order"])}


def nameless(shop: Any) -> Names:
    """Paid, though nobody has named the payment; and it has been given back in part."""
    found = made.unpaid(shop)
    one = shop.attempt(DEER, found["payable"], order=found["order"], plugin=PLUGIN)
    shop.plant(f"SELECT apply_payment(3, '{one}', '{PLUGIN}', {found['payable']}, 'CNY', '', 'query', true)")  # fmt: skip
    shop.plant(f"SELECT refund_order(3, '{found['number']}', 10000, 'x', 's', 'k')")
    return {**found, "one": one}


def topped_up(shop: Any, amount: int = 1000000) -> Names:
    """A member's paid top-up at a station without money, and a rule for first ones."""
    shop.plant("UPDATE bonus_rule SET active = false")
    member, other = shop.member(DEER), shop.member(DEER)
    numbers = {}
    for name, who in (("first", member), ("attempt", member), ("others", other)):
        number = shop.attempt(DEER, amount, purpose="top_up", member=who)
        words = "SELECT id FROM payment_attempt WHERE attempt_no = %s"
        numbers[name] = shop.one(words, number)
    paid = "UPDATE payment_attempt SET state = 'succeeded', paid_at = now(), closed_at = now() WHERE id IN ({}, {})"  # fmt: skip
    shop.plant(paid.format(numbers["attempt"], numbers["others"]))
    shop.plant("INSERT INTO bonus_rule(station_id, minimum, kind, value, first_only) VALUES (3, 1, 'fixed', 100, true)")  # fmt: skip
    return {**numbers, "member": member, "amount": amount}


def short_of_bonus(shop: Any) -> Names:
    """A bonus could not be paid already, and somebody is told."""
    found = topped_up(shop)
    shop.plant("UPDATE account_balance b SET balance = b.floor FROM account a WHERE a.id = b.account_id AND a.kind = 'prepaid' AND a.station_id = 3")  # fmt: skip
    shop.plant(f"SELECT _grant_bonus(3, {found['others']}, (SELECT member_id FROM payment_attempt WHERE id = {found['others']}), 1000000)")  # fmt: skip
    return found


def ended_outside(shop: Any) -> Names:
    """The purchase was one of a supplier with an interface, and is declined."""
    found = of_person(shop)
    code = f"e-{found['purchase']}"
    supplier = shop.one(
        "INSERT INTO supplier(code, name, state) VALUES (%s, 'Ext', 'active') RETURNING id", code
    )
    connection = shop.one("INSERT INTO supply_connection(supplier_id, plugin_id, name) VALUES (%s, %s, 'Ext') RETURNING id", supplier, code)  # fmt: skip
    shop.plant(
        f"UPDATE purchase SET state = 'declined', supplier_id = {supplier}, connection_id = {connection} WHERE id = {found['purchase']}"
    )
    return found


def old_key(shop: Any) -> Names:
    """Cards, and a key that is in use no more."""
    found = made.pool(shop)
    key = shop.one("INSERT INTO data_key(purpose, wrapped, master_id, state) VALUES ('card', '', 'test', 'retired') RETURNING id")  # fmt: skip
    card = shop.one("SELECT min(id) FROM card WHERE sku_id = %s", found["sku"])
    now = shop.one("SELECT key_id FROM card WHERE id = %s", card)
    return {**found, "card": card, "now": now, "old": key}


def two_to_ask_back(shop: Any) -> Names:
    """Two orders of one member."""
    found = made.may_be_asked_back(shop)
    other = made.paid(shop, member_id=found["member"])
    return {**found, "other": other.order_no}


def dispute(shop: Any) -> Names:
    """Of a purchase that was delivered: what it cost may be asked back."""
    found = made.taken(shop)
    shop.plant(f"SELECT receive_purchase(3, {found['purchase']}, 1, 932000, NULL, '', '', 'x', '', '', NULL, '{{}}', 's')")  # fmt: skip
    supplier = shop.one("SELECT supplier_id FROM purchase WHERE id = %s", found["purchase"])
    words = "INSERT INTO supply_dispute(supplier_id, station_id, purchase_id, kind, claim, opened_by, due_at) VALUES (%s, 3, %s, 'bad_card', 100, 's', now()) RETURNING id"
    numbers = [shop.one(words, supplier, found["purchase"]) for _n in (1, 2)]
    return {**found, "supplier": supplier, "dispute": numbers[0], "another": numbers[1]}


def billed(shop: Any) -> Names:
    """A bill of 20 November that tells of an attempt which nobody has paid here."""
    found = made.attempted(shop)
    bill = shop.one("INSERT INTO bill(station_id, plugin_id, account, day, state) VALUES (1, 'payment-gate', %s, '2026-11-20', 'fetched') RETURNING id", f"b{found['order']}")  # fmt: skip
    shop.plant(f"UPDATE payment_attempt SET account = 'b{found['order']}', fee = 0 WHERE order_id = {found['order']}")  # fmt: skip
    shop.plant(f"INSERT INTO bill_line(station_id, bill_id, n, kind, attempt_no, amount, fee, done, at) VALUES (1, {bill}, 1, 'payment', '{found['one']}', {found['payable']}, 30, true, '2026-11-20')")  # fmt: skip
    return {**found, "bill": bill, "account": f"b{found['order']}"}


def paid_before_midnight(shop: Any) -> Names:
    """Paid ten minutes before the day's end; the next day's bill is not there yet, and may tell of it."""
    found = billed(shop)
    shop.plant(f"DELETE FROM bill_line WHERE bill_id = {found['bill']}")
    shop.plant(f"INSERT INTO bill(station_id, plugin_id, account, day, state) VALUES (1, 'payment-gate', '{found['account']}', '2026-11-21', 'due')")  # fmt: skip
    shop.plant(f"UPDATE payment_attempt SET state = 'succeeded', paid_at = '2026-11-20 23:50+08' WHERE attempt_no = '{found['one']}'")  # fmt: skip
    return found


def locked_buyer(shop: Any) -> Names:
    """A member who is locked now asks under a number that was used before."""
    found = made.two_buyers(shop)
    shop.plant(f"UPDATE member SET state = 'locked' WHERE id = (SELECT member_id FROM api_key WHERE id = {found['one']})")  # fmt: skip
    return {**found, "key": f"{found['key']}x"}
