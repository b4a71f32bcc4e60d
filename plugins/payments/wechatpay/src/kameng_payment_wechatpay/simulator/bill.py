"""The trade bill of a day as WeChat Pay writes it, and the differences planted in it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kameng_payment_wechatpay.bills import BEIJING
from kameng_sdk.money import Money

from .keys import Keys
from .store import Row, Store
from .things import TRADE_TYPES

HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,"
    "交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,"
    "充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FEE_BP = 60
ANY = "any"


@dataclass(frozen=True, slots=True)
class Line:
    """A payment, or a refund when `refund_id` is set."""

    at: float
    transaction_id: str
    out_trade_no: str
    openid: str
    kind: str
    name: str
    fen: int
    state: str = "SUCCESS"
    refund_id: str = ""
    out_refund_no: str = ""

    @property
    def number(self) -> str:
        """The merchant's own number of what the line is about."""
        return self.out_refund_no or self.out_trade_no

    @property
    def fee_fen(self) -> int:
        """What WeChat Pay keeps, or of a refund gives back (below zero)."""
        fee = (self.fen * FEE_BP + 5000) // 10_000
        return -fee if self.refund_id else fee


def lines_of(store: Store, day: date) -> list[Line]:
    """The day's payments and refunds with all planted differences, in their order."""
    begin = datetime.combine(day, datetime.min.time(), BEIJING)
    span = (begin.timestamp(), (begin + timedelta(days=1)).timestamp())
    paid = store.rows(
        "SELECT p.paid_at AS at, p.*, o.* FROM payments p JOIN orders o USING (prepay_id)"
        " WHERE p.paid_at >= ? AND p.paid_at < ? ORDER BY p.paid_at",
        *span,
    )
    back = store.rows(
        "SELECT r.created_at AS at, r.*, r.fen AS refund_fen, p.openid AS payer, o.*"
        " FROM refunds r JOIN payments p USING (transaction_id) JOIN orders o USING (prepay_id)"
        " WHERE r.created_at >= ? AND r.created_at < ? ORDER BY r.created_at",
        *span,
    )
    payments, refunds = [_payment(row) for row in paid], [_refund(row) for row in back]
    return sorted(_planted(store, payments, refunds, span[0]), key=lambda line: line.at)


def _payment(row: Row) -> Line:
    return Line(
        at=row["at"],
        transaction_id=row["transaction_id"],
        out_trade_no=row["out_trade_no"],
        openid=row["openid"],
        kind=row["kind"],
        name=row["description"],
        fen=row["fen"],
    )


def _refund(row: Row) -> Line:
    return Line(
        at=row["at"],
        transaction_id=row["transaction_id"],
        out_trade_no=row["out_trade_no"],
        openid=row["payer"],
        kind=row["kind"],
        name=row["description"],
        fen=row["refund_fen"],
        state=row["status"],
        refund_id=row["refund_id"],
        out_refund_no=row["out_refund_no"],
    )


def _planted(
    store: Store, payments: list[Line], refunds: list[Line], begin: float
) -> Iterable[Line]:
    omitted = _chosen(store, "bill_omit", [])
    missing = _chosen(store, "bill_missing", payments) | omitted
    lost = _chosen(store, "bill_refund_missing", refunds) | omitted
    other = _chosen(store, "bill_amount", payments)
    stuck = _chosen(store, "bill_state", payments)
    kept = [x for x in payments if x.number not in missing and x.transaction_id not in missing]
    kept += [x for x in refunds if x.number not in lost and x.refund_id not in lost]
    for line in kept:
        fen = line.fen + (line.number in other)
        state = line.state if line.number not in stuck else _other_state(line)
        yield replace(line, fen=fen, state=state)
    for n, number in enumerate(sorted(_chosen(store, "bill_extra", []))):
        name = "EXTRA0000000001" if number == ANY else number
        yield Line(begin + n, f"42EXTRA{n:020d}", name, "oEXTRA", "native", "点卡", 100)


def _other_state(line: Line) -> str:
    return "PROCESSING" if line.refund_id else "REVOKED"


def _chosen(store: Store, lever: str, lines: list[Line]) -> set[str]:
    """Numbers by comma; `any` is the first line of the day."""
    numbers = {part for part in store.setting(lever).split(",") if part}
    if ANY in numbers and lines:
        numbers.add(lines[0].number)
    return numbers


def written(keys: Keys, lines: list[Line], damage: str = "none") -> bytes:
    """The file. `total` damages the sum, `truncated` loses the end; the hash fits both."""
    rows = [HEAD, *(_row(keys, line) for line in lines), TOTALS, _totals(lines, damage)]
    text = "\r\n".join(rows) + "\r\n"
    if damage == "truncated":
        text = "\r\n".join(rows[:-2]) + "\r\n"
    return "\ufeff".encode() + text.encode()


def sha1_of(plain: bytes) -> str:
    """As the answer about a bill states it."""
    return hashlib.sha1(plain, usedforsecurity=False).hexdigest()


def _row(keys: Keys, line: Line) -> str:
    refund = bool(line.refund_id)
    nothing, amount = "0.00", _yuan(line.fen)
    at = datetime.fromtimestamp(line.at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    fee = f"{'-' if line.fee_fen < 0 else ''}{_yuan(abs(line.fee_fen))}000"
    return "`" + ",`".join(
        (
            *(at, keys.appid, keys.mchid, "0", "", line.transaction_id, line.out_trade_no),
            *(line.openid, TRADE_TYPES[line.kind], "REFUND" if refund else line.state, "OTHERS"),
            *("CNY", nothing if refund else amount, nothing),
            *((line.refund_id, line.out_refund_no) if refund else ("0", "0")),
            *(amount if refund else nothing, nothing),
            *(("ORIGINAL", line.state) if refund else ("", "")),
            *(line.name, "", fee, "0.60%"),
            *((nothing, amount) if refund else (amount, nothing)),
            "",
        )
    )


def _totals(lines: list[Line], damage: str) -> str:
    paid = sum(line.fen for line in lines if not line.refund_id)
    back = sum(line.fen for line in lines if line.refund_id)
    fees = sum(line.fee_fen for line in lines)
    paid_shown = _yuan(paid + (damage == "total"))
    sign = "-" if fees < 0 else ""
    count = f"{len(lines)}.0"
    sums = (count, _yuan(paid), _yuan(back), "0.0", f"{sign}{_yuan(abs(fees))}", paid_shown)
    return "`" + ",`".join((*sums, _yuan(back)))


def _yuan(fen: int) -> str:
    return Money.from_fen(fen).format()
