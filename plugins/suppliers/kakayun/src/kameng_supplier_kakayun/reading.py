"""What goods and orders of this system say, in the words of Kameng."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, Offer, OfferField, OfferKind, PurchaseResult

CARD, TOP_UP = "0", "1"
PAID, DONE_OR_PAID, UNPAID, RUNNING, FAILED, SUCCESS = "0", "1", "2", "3", "4", "5"
ALL_BACK, PART_BACK = "1", "2"
ACCOUNT = "充值帐号"  # the papers' name of the one field that every top-up has

Row = Mapping[str, object]


def offer(row: Row, groups: Mapping[str, str]) -> Offer:
    """One line of the goods list. Raises `ValueError` when it cannot be read."""
    ref, kind = text(row, "goodsid"), text(row, "goodstype")
    if not ref or kind not in (CARD, TOP_UP):
        raise ValueError("goods without number or with an unknown type")
    return Offer(
        sku_ref=ref,
        name=text(row, "goodsname"),
        cost=money(row, "goodsprice"),
        kind=OfferKind.CARD if kind == CARD else OfferKind.TOP_UP,
        category=groups.get(text(row, "groupid"), ""),
        stock=int(text(row, "stock")),
        on_sale=text(row, "goodsstatus") == "1",
        fields=() if kind == CARD else tuple(_fields(row)),
    )


def groups(rows: object) -> dict[str, str]:
    """Number of a group to its path. A group without a number is nobody's."""
    found = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and text(row, "groupid"):
            steps = (text(row, "brandname"), text(row, "groupname"))
            found[text(row, "groupid")] = " / ".join(step for step in steps if step)
    return found


def result(row: Row) -> PurchaseResult:
    """An order as `order/get` and notices tell it. Raises `ValueError` when it cannot be read.

    The papers: only 2 and 4 are failures, and 4 does not mean that the money is back.
    """
    status, cards = text(row, "status"), tuple(_deliveries(row))
    if status == UNPAID:
        return _result(row, Outcome.DECLINED, "未付款")
    if status == FAILED:
        return _failed(row)
    if status == SUCCESS or (status == DONE_OR_PAID and cards):
        return _result(row, Outcome.SUCCEEDED, _refund_note(row), cards or _receipt(row))
    if status in (PAID, DONE_OR_PAID, RUNNING):
        return _result(row, Outcome.PENDING, "")
    raise ValueError(f"unknown status {status!r}")


def _failed(row: Row) -> PurchaseResult:
    back, cost = _refunded(row), money(row, "money")
    if back is not None and back >= cost:
        return _result(row, Outcome.DECLINED, text(row, "receipt") or "订单失败，已全额退款")
    return _result(row, Outcome.UNKNOWN, f"订单失败，但未全额退款{_refund_note(row)}")


def _result(
    row: Row, outcome: Outcome, message: str, deliveries: tuple[Delivery, ...] = ()
) -> PurchaseResult:
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=text(row, "orderno"),
        deliveries=deliveries,
        cost=money(row, "money"),
        message=message[:200],
        refunded=_refunded(row),
    )


def _refunded(row: Row) -> Money | None:
    """Money that is surely in our account again: not what is only marked (3), and not what went
    "the way it came" (4), since nobody says which way that is."""
    if text(row, "refundstatus") in (ALL_BACK, PART_BACK):
        return money(row, "refundmoney")
    return None


def _refund_note(row: Row) -> str:
    status = text(row, "refundstatus")
    return f"（refundstatus={status}，请人工核对）" if status not in ("", "0", "1", "2") else ""


def _deliveries(row: Row) -> Iterator[Delivery]:
    """`cards` since September 2025; before that, and at some, lines of text in `cardlist`."""
    cards, lines = row.get("cards"), row.get("cardlist")
    if isinstance(cards, list) and cards:
        for card in cards:
            if not isinstance(card, dict):
                raise ValueError("a card is no object")
            number, code = text(card, "card_no"), text(card, "card_pwd")
            if not code and not number:
                raise ValueError("a card is empty")
            # Some put the only secret into the number.
            yield Delivery(
                code=Secret(code or number),
                number=number if code else "",
                expires_at=_expires_at(card),
            )
    elif isinstance(lines, list):
        for line in lines:
            if not isinstance(line, str) or not line.strip():
                raise ValueError("a card is no text")
            yield Delivery(code=Secret(line.strip()))


def _receipt(row: Row) -> tuple[Delivery, ...]:
    """What is said about a top-up; of several at once it is no piece, and one would look like a
    part of them."""
    note = text(row, "receipt")[:200]
    return (Delivery(note=note),) if note and text(row, "buynum") == "1" else ()


def _expires_at(card: Row) -> datetime | None:
    stamp = text(card, "card_expire_at")
    if not stamp.isdecimal() or int(stamp) == 0:
        return None
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (OverflowError, OSError):
        raise ValueError("a card's end is no time") from None


def _fields(row: Row) -> Iterator[OfferField]:
    wanted = row.get("attach")
    named = [f for f in wanted if isinstance(f, dict)] if isinstance(wanted, list) else []
    for field in named:
        title = text(field, "title")
        yield OfferField(name=title or ACCOUNT, label=text(field, "tip") or title)
    if not named:
        yield OfferField(name=ACCOUNT, label=ACCOUNT)


def money(row: Row, name: str) -> Money:
    """An amount in yuan, written as text or as a number. Raises `ValueError`."""
    return Money.parse(text(row, name))


def text(row: Row, name: str) -> str:
    """A value as text; "" for what is missing or no single value."""
    value = row.get(name)
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None or isinstance(value, (list, dict, bool)) else str(value).strip()
