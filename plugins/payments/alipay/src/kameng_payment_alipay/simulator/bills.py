"""The trade bill of a day as Alipay files it: a zip of two CSV files in GBK, named in GBK."""

import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kameng_payment_alipay.times import BEIJING
from kameng_sdk.money import Money

from .store import Row, Store

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,"
    "分润（元）,备注"
)
SQL = """
SELECT p.trade_no, o.out_trade_no, '' AS out_request_no, o.subject, o.created_at, p.paid_at AS at,
  p.fen FROM payments p JOIN orders o ON o.trade_no = p.order_no
  WHERE p.paid_at >= :start AND p.paid_at < :end
UNION ALL
SELECT r.trade_no, o.out_trade_no, r.out_request_no, o.subject, o.created_at, r.created_at, -r.fen
  FROM refunds r JOIN payments p USING (trade_no) JOIN orders o ON o.trade_no = p.order_no
  WHERE r.created_at >= :start AND r.created_at < :end
ORDER BY at
"""
RULE = "-" * 41
FEE_BP = 60
EXTRA_FEN = 1234


@dataclass(frozen=True, slots=True)
class Line:
    """One movement, in fen: below zero for a refund."""

    trade_no: str
    out_trade_no: str
    out_request_no: str
    subject: str
    created_at: float
    at: float
    fen: int
    received: int

    @property
    def numbers(self) -> set[str]:
        """What the levers may call it."""
        if self.out_request_no:
            return {self.out_request_no}
        return {self.trade_no, self.out_trade_no}


def planted(store: Store, lever: str) -> list[str]:
    """The numbers a lever names."""
    return [number.strip() for number in store.setting(lever).split(",") if number.strip()]


def lines_of(store: Store, day: date) -> list[Line]:
    """What moved on that day in Beijing, with the differences that the levers plant."""
    start = datetime(day.year, day.month, day.day, tzinfo=BEIJING)
    span = {"start": start.timestamp(), "end": (start + timedelta(days=1)).timestamp()}
    with store.read() as db:
        rows: list[Row] = db.execute(SQL, span).fetchall()
    lines = [Line(**dict(row), received=row["fen"]) for row in rows]
    for count, number in enumerate(planted(store, "bill_extra")):
        trade_no = f"{day:%Y%m%d}22001999{count:012d}"
        noon = start.timestamp() + 12 * 3600
        lines.append(Line(trade_no, number, "", "别处的订单", noon, noon, EXTRA_FEN, EXTRA_FEN))
    return list(_changed(store, lines))


def _changed(store: Store, lines: list[Line]) -> Iterator[Line]:
    missing = {*planted(store, "bill_missing"), *planted(store, "bill_omit")}
    amounts, states = set(planted(store, "bill_amount")), set(planted(store, "bill_state"))
    refunds = set(planted(store, "bill_refund_missing"))
    for line in lines:
        if line.numbers & (refunds if line.out_request_no else missing):
            continue
        if line.numbers & amounts:
            fen = line.fen + (-1 if line.out_request_no else 1)
            line = replace(line, fen=fen, received=fen)
        # The bill has no column of states: listed, and yet nothing received.
        yield replace(line, received=0) if line.numbers & states else line


def bill_file(store: Store, seller_id: str, day: date) -> bytes:
    """The zip file."""
    broken = store.setting("bill_broken")
    lines = lines_of(store, day)
    details = _details(seller_id, day, lines, off=1 if broken == "total" else 0)
    stem = f"{seller_id}0156_{day:%Y%m%d}_业务明细"
    files = {f"{stem}.csv": details, f"{stem}(汇总).csv": _summary(seller_id, day, lines)}
    archive = _zipped(files)
    return archive[: len(archive) // 2] if broken == "cut" else archive


def _details(seller_id: str, day: date, lines: list[Line], off: int) -> str:
    paid = [line for line in lines if not line.out_request_no]
    back = [line for line in lines if line.out_request_no]
    text = [
        "#支付宝业务明细查询",
        *_head(seller_id, day),
        f"#{RULE}业务明细列表{RULE[1:]}",
        COLUMNS,
        *map(_row, lines),
        f"#{RULE}业务明细列表结束{RULE[5:]}",
        f"#交易合计：{len(paid) + off}笔，商家实收共{_sum(paid)}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{_sum(back)}元，商家优惠退款共0.00元",
        f"#导出时间：[{time.strftime('%Y年%m月%d日 %H:%M:%S', _beijing(time.time()))}]",
    ]
    return "\r\n".join(text) + "\r\n"


def _summary(seller_id: str, day: date, lines: list[Line]) -> str:
    paid = [line for line in lines if not line.out_request_no]
    back = [line for line in lines if line.out_request_no]
    text = [
        "#支付宝业务汇总查询",
        *_head(seller_id, day),
        f"#{RULE}业务汇总列表{RULE[1:]}",
        "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）",
        f"合计\t,\t,{len(paid)},{len(back)},{_sum(lines)},{_sum(lines)}",
        f"#{RULE}业务汇总列表结束{RULE[5:]}",
    ]
    return "\r\n".join(text) + "\r\n"


def _head(seller_id: str, day: date) -> list[str]:
    start, end = f"{day:%Y年%m月%d日}", f"{day + timedelta(days=1):%Y年%m月%d日}"
    span = f"#起始日期：[{start} 00:00:00]   终止日期：[{end} 00:00:00]"
    return [f"#账号：[{seller_id}0156]", span]


def _row(line: Line) -> str:
    kept = (line.received * FEE_BP + 5000) // 10_000 if line.fen > 0 else 0
    return ",".join(
        (
            *(f"{line.trade_no}\t", f"{line.out_trade_no}\t"),
            *("退款\t" if line.out_request_no else "交易\t", line.subject.replace(",", " ")),
            *(
                _time(line.created_at),
                _time(line.at),
                "\t",
                "\t",
                "\t",
                "\t",
                "*买家(sim***@a.test)\t",
            ),
            *(_yuan(line.fen), _yuan(line.received), "0.00", "0.00", "0.00", "0.00", "0.00", ""),
            *("0.00\t", "0.00", f"{line.out_request_no}\t", _yuan(-kept), "0.00", ""),
        )
    )


def _zipped(files: dict[str, str]) -> bytes:
    """Names as Alipay writes them, in GBK without saying so: Python can only put them in later."""
    made, names = io.BytesIO(), dict[bytes, bytes]()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, (name, text) in enumerate(files.items()):
            real = name.encode("gbk")
            stand_in = f"name-{count}-".ljust(len(real), "~")
            names[stand_in.encode()] = real
            archive.writestr(stand_in, text.encode("gb18030"))
    whole = made.getvalue()
    for stand_in_bytes, real in names.items():
        whole = whole.replace(stand_in_bytes, real)
    return whole


def _sum(lines: list[Line]) -> str:
    return _yuan(sum(line.received for line in lines))


def _yuan(fen: int) -> str:
    return Money.from_fen(fen).format()


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", _beijing(seconds))


def _beijing(seconds: float) -> time.struct_time:
    return time.gmtime(seconds + 8 * 3600)
