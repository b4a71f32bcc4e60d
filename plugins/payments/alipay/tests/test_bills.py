"""The trade bill: real layout, own totals, planted differences, and files that are broken."""

import io
import random
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kameng_payment_alipay.bills import Unreadable, read_bill
from kameng_payment_alipay.simulator.bills import bill_file
from kameng_payment_alipay.times import BEIJING
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import BillLine

SELLER, DAY = "2088021109625633", date(2019, 9, 16)
RULE = "-" * 41
COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
HEAD = f"""#支付宝业务明细查询
#账号：[20880211096256330156]
#起始日期：[2019年09月16日 00:00:00]   终止日期：[2019年09月17日 00:00:00]
#{RULE}业务明细列表{RULE[1:]}
{COLUMNS}
"""
TRADE = "2019091622001458860515315453\t,P1\t"
PAID = (
    f"{TRADE},交易\t,点卡,2019-09-16 10:55:16,2019-09-16 10:55:23,\t,\t,\t,\t,*水(602***@qq.com)\t,"
    "95.50,95.50,0.96,0.00,0.00,0.00,0.00,红包,0.00\t,0.00,\t,-0.57,0.00,\n"
)
BACK = (
    f"{TRADE},退款\t,点卡,2019-09-16 10:55:16,2019-09-16 23:59:59,\t,\t,\t,\t,*水(602***@qq.com)\t,"
    "-30.00,-30.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,R1\t,0.18,0.00,\n"
)
TAIL = f"""#{RULE}业务明细列表结束{RULE[5:]}
#交易合计：1笔，商家实收共95.50元，商家优惠共0.00元
#退款合计：1笔，商家实收退款共-30.00元，商家优惠退款共0.00元
#导出时间：[2019年09月17日 05:46:49]
"""
DETAILS = HEAD + PAID + BACK + TAIL


def zipped(*texts: str, encoding: str = "gbk") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for count, text in enumerate(texts):
            archive.writestr(f"{count}.csv", text.encode(encoding))
    return made.getvalue()


def today() -> date:
    return datetime.now(UTC).astimezone(BEIJING).date()


def test_the_layout_of_alipay_is_read_to_the_fen() -> None:
    paid, back = read_bill(zipped("#支付宝业务汇总查询\n", DETAILS), SELLER, DAY)
    trade_no = "2019091622001458860515315453"
    assert paid == BillLine(
        attempt_no="P1", provider_ref=trade_no, amount=Money.from_fen(9550),
        at=datetime(2019, 9, 16, 2, 55, 23, tzinfo=UTC), fee=Money.from_fen(57),
    )  # fmt: skip
    assert back == BillLine(
        attempt_no="P1", provider_ref=trade_no, amount=Money.from_fen(3000),
        at=datetime(2019, 9, 16, 15, 59, 59, tzinfo=UTC), fee=Money.from_fen(18), refund_no="R1",
    )  # fmt: skip
    assert (paid.is_refund, back.is_refund) == (False, True)


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    names, values = HEAD.splitlines()[-1].split(","), PAID.strip("\n").split(",")
    turned = [
        ",".join(reversed(names)).replace("（", "(").replace("）", ")"), ",".join(reversed(values)),
    ]  # fmt: skip
    text = "\n".join([*HEAD.splitlines()[:-1], *turned, *TAIL.splitlines()])
    text = text.replace("退款合计：1笔，商家实收退款共-30.00", "退款合计：0笔，商家实收退款共0.00")
    assert read_bill(zipped(text.replace("\n", "\r\n")), SELLER, DAY)[0].attempt_no == "P1"


BROKEN = {
    "a line is missing": HEAD + PAID + TAIL,
    "a line is doubled": HEAD + PAID + PAID + BACK + TAIL,
    "an amount is changed": DETAILS.replace("95.50,95.50", "95.51,95.51"),
    "the total is missing": DETAILS.replace("#交易合计", "#合计"),
    "a total is no number": DETAILS.replace("共95.50元", "共9.5.0元"),
    "the end is missing": DETAILS.replace("列表结束", "列表"),
    "another account": DETAILS.replace("[2088021109625633", "[2088021109625634"),
    "another day": DETAILS.replace("[2019年09月16日", "[2019年09月15日"),
    "a column is missing": DETAILS.replace("商户订单号", "单号"),
    "a comma too many": DETAILS.replace("点卡,2019", "点,卡,2019", 1),
    "an unknown kind": DETAILS.replace("交易\t", "预授权\t"),
    "no time": DETAILS.replace("2019-09-16 10:55:23", "yesterday"),
    "no number": DETAILS.replace("P1\t", "\t", 1),
    "a refund without number": DETAILS.replace("R1\t", "\t"),
    "a payment below zero": DETAILS.replace("95.50", "-95.50"),
    "not an amount": DETAILS.replace("-0.57", "half"),
    "nothing": "",
    "the sums only": "#支付宝业务汇总查询\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_bill_that_does_not_agree_with_itself_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(Unreadable):
        read_bill(zipped(text), SELLER, DAY)


def test_files_that_are_no_whole_zip_are_refused() -> None:
    good = zipped(DETAILS)
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 0xFF
    many = zipped(*([DETAILS] + ["x"] * 20))
    for archive in (b"", b"<html>", good[:-30], good[: len(good) // 2], bytes(flipped), many,
                    zipped(DETAILS, DETAILS), zipped(DETAILS, encoding="utf-16")):  # fmt: skip
        with pytest.raises(Unreadable):
            read_bill(archive, SELLER, DAY)


@pytest.mark.filterwarnings("ignore::UserWarning")  # zipfile, of names given twice
def test_damage_anywhere_gives_the_whole_bill_or_none() -> None:
    good, rng = zipped("#支付宝业务汇总查询\n", DETAILS), random.Random(7)
    whole = read_bill(good, SELLER, DAY)
    for _ in range(500):
        damaged = bytearray(good)
        damaged[rng.randrange(len(good))] = rng.randrange(256)
        with suppress(Unreadable):
            assert read_bill(bytes(damaged), SELLER, DAY) == whole


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng_payment_alipay.bills.MOST_BYTES", 1000)
    with pytest.raises(Unreadable, match="too large"):
        read_bill(zipped(DETAILS), SELLER, DAY)


def lines(scene: Any, wanted: str) -> dict[str, BillLine]:
    """Of one order, from today's bill, by refund number or empty."""
    result = scene.provider().bill(scene.ctx(), today())
    assert result.outcome is Outcome.SUCCEEDED, result.message
    return {line.refund_no: line for line in result.lines if line.attempt_no == wanted}


def test_the_bill_of_a_day_has_each_payment_and_refund_with_its_fee(scene: Any) -> None:
    provider, ref = scene.paid("billed")
    provider.refund(scene.ctx(), scene.refund("billed", ref, "RB1", 3000))
    scene.open("unpaid_one")
    found = lines(scene, "billed")
    assert (found[""].amount, found[""].fee) == (Money.from_fen(9550), Money.from_fen(57))
    assert found[""].provider_ref == found["RB1"].provider_ref == ref
    assert (found["RB1"].amount, found["RB1"].fee) == (Money.from_fen(3000), Money.zero())
    assert all(line.done for line in found.values())
    assert abs(found[""].at - datetime.now(UTC)) < timedelta(seconds=60)
    assert lines(scene, "unpaid_one") == {}


def test_P6_each_planted_difference_shows_in_the_bill(scene: Any) -> None:
    for number in ("plant_a", "plant_b", "plant_c", "plant_d"):
        provider, ref = scene.paid(number)
        provider.refund(scene.ctx(), scene.refund(number, ref, f"R_{number}", 100))
    trade_no = scene.order("plant_b")["trade_no"]
    scene.settings(
        bill_missing="plant_a", bill_amount=trade_no, bill_state="plant_c",
        bill_refund_missing="R_plant_d", bill_extra="foreign_1,foreign_2",
    )  # fmt: skip
    assert list(lines(scene, "plant_a")) == ["R_plant_a"]
    assert lines(scene, "plant_b")[""].amount == Money.from_fen(9551)
    assert not lines(scene, "plant_c")[""].done
    assert list(lines(scene, "plant_d")) == [""]
    assert lines(scene, "foreign_2")[""].amount == Money.from_fen(1234)


@pytest.mark.parametrize("lever", ["cut", "total"])
def test_a_broken_file_leaves_a_doubt(scene: Any, lever: str) -> None:
    scene.paid(f"broken_{lever}")
    scene.settings(bill_broken=lever)
    result = scene.provider().bill(scene.ctx(), today())
    assert (result.outcome, list(result.lines)) == (Outcome.UNKNOWN, [])


def test_a_bill_not_yet_there_is_pending_and_a_day_without_business_is_empty(scene: Any) -> None:
    scene.paid("ready")
    provider = scene.provider()
    scene.settings(bill_ready="off")
    assert provider.bill(scene.ctx(), today()).outcome is Outcome.PENDING
    scene.settings(bill_ready="on")
    assert provider.bill(scene.ctx(), today() + timedelta(days=1)).outcome is Outcome.PENDING
    empty = provider.bill(scene.ctx(), date(2020, 1, 1))
    assert (empty.outcome, list(empty.lines)) == (Outcome.SUCCEEDED, [])


def test_an_address_of_a_bill_is_good_for_thirty_seconds_and_one_day(scene: Any) -> None:
    trades = scene.simulator._trades
    old = int(datetime.now(UTC).timestamp()) - 1
    proof = trades.link_proof(today(), old)
    url = f"{scene.url}/downloadBillFile.resource?bizDates={today():%Y%m%d}&fileId={old}.{proof}"
    assert scene.web.get(url).status_code == 404
    assert scene.web.get(url.replace(str(old), str(old + 999))).status_code == 404


def test_the_names_in_the_file_are_gbk_as_alipay_writes_them(scene: Any) -> None:
    archive = bill_file(scene.simulator._store, SELLER, today())
    with zipfile.ZipFile(io.BytesIO(archive), metadata_encoding="gbk") as opened:
        assert opened.namelist()[0] == f"{SELLER}0156_{today():%Y%m%d}_业务明细.csv"
        assert opened.testzip() is None
