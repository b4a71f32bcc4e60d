"""Money that no gateway moves: wallets give back at once, bank transfers by a person's hand."""

import pytest

from kameng.db import main_scope, station_scope
from kameng.settings import Settings

from .sales import BACK, DEER, MAIN, Sale, Sales
from .street import Street

BANK = "payment-bank-transfer"
pytestmark = pytest.mark.parametrize("gate", ["epay-v2"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


def wallet_of(sales: Sales, member: int) -> int:
    from kameng.ledger.api import wallet

    with sales.shop.app.app_context(), station_scope(DEER):
        return wallet(member)


def paid_by_wallet(sales: Sales, begun: bool = False) -> tuple[Sale, int]:
    """An order that its member has paid; `begun`: after going to a gateway first."""
    from kameng.payments.api import pay_with_balance

    member = sales.shop.member(DEER, balance=100_0000)
    placed = sales.shop.place(sales.shop.sku(cards=1), member_id=member)
    sale = sales.begin(placed=placed) if begun else Sale(placed, "", sales.gate)
    with sales.shop.app.app_context(), station_scope(DEER):
        assert pay_with_balance(placed.order_no, member) == "ok"
    assert sales.state(sale) == "delivered"
    return sale, member


def test_a_wallet_gets_a_part_and_then_the_rest_at_once(sales: Sales) -> None:
    sale, member = paid_by_wallet(sales)
    part, before = sale.fen * 30 // 100, wallet_of(sales, member)
    sales.refund(sale, part)
    assert wallet_of(sales, member) == before + part * 100
    sales.refund(sale, sale.fen - part)
    assert wallet_of(sales, member) == 100_0000
    assert sales.state(sale) == "refunded"
    sales.shop.assert_books_balance()


def test_what_the_gateway_takes_after_the_wallet_has_paid_goes_back(sales: Sales) -> None:
    sale, member = paid_by_wallet(sales, begun=True)
    before = wallet_of(sales, member)
    sales.pay(sale)
    sales.do_jobs()
    assert [row[1:] for row in sales.refunds(sale)] == [(sale.fen, "succeeded", "paid_twice")]
    assert [fen for _no, fen in sale.gate.given_back(sale.attempt_no)] == [sale.fen]
    assert (wallet_of(sales, member), sales.state(sale)) == (before, "delivered")
    sales.shop.assert_books_balance()


@pytest.fixture
def _bank(sales: Sales) -> None:
    from kameng.plugins import api as plugins

    account = {"bank": "示例银行", "holder": "示例商户", "account": "6200000000000000000"}
    with sales.shop.app.app_context():
        plugins.configure(MAIN, BANK, account, "test")
        plugins.set_enabled(MAIN, BANK, True, "test")


def to_the_bank(sales: Sales) -> Sale:
    from kameng.payments.api import start

    placed = sales.shop.place(sales.shop.sku(cards=1))
    with sales.shop.app.app_context(), station_scope(DEER):
        started = start(placed.order_no, BANK, "bank_transfer", "192.0.2.9", return_url=BACK)
    assert started.cashier["details"]
    return Sale(placed, started.attempt_no, sales.gate)


def confirm(sales: Sales, sale: Sale, ref: str) -> str:
    from kameng.payments.api import confirm_manual

    with sales.shop.app.app_context(), main_scope(reason="test"):
        return confirm_manual(DEER, sale.attempt_no, sale.fen * 100, ref, "staff:1")


def given_back_by_hand(sales: Sales, sale: Sale) -> None:
    """No gateway can do it: it is declined, and a person pays it."""
    from kameng.payments.api import refund_by_hand

    sales.do_jobs()
    ((number, fen, state, _reason),) = sales.refunds(sale)
    assert (fen, state) == (sale.fen, "declined")
    with sales.shop.app.app_context():
        assert refund_by_hand(DEER, number, "staff:1", "transfer 1", "") == "ok"
    assert [row[2] for row in sales.refunds(sale)] == ["succeeded"]


@pytest.mark.usefixtures("_bank")
def test_a_transfer_that_comes_twice_is_given_back_by_hand(sales: Sales) -> None:
    sale = to_the_bank(sales)
    sales.ask(sale)  # nobody can be asked, and that closes nothing
    assert sales.attempt(sale, "state") == "sent"
    assert confirm(sales, sale, "bank 1") == "ok"
    assert sales.state(sale) == "delivered"
    assert confirm(sales, sale, "bank 1") == "repeat"
    assert confirm(sales, sale, "bank 2") == "refund_surplus"
    given_back_by_hand(sales, sale)
    assert sales.state(sale) == "delivered"
    sales.shop.assert_books_balance()


@pytest.mark.usefixtures("_bank")
@pytest.mark.parametrize("there", [True, False])
def test_a_late_transfer_buys_what_is_there_or_is_given_back_by_hand(
    sales: Sales, there: bool
) -> None:
    sale = to_the_bank(sales)
    sales.expire(sale)
    sales.do_jobs()
    if there:
        assert confirm(sales, sale, f"bank {sale.attempt_no}") == "ok"
        assert sales.state(sale) == "delivered"
    else:
        sales.empty_the_shelves()
        assert confirm(sales, sale, f"bank {sale.attempt_no}") == "refund_late"
        given_back_by_hand(sales, sale)
        assert sales.state(sale) == "refunded"
    sales.shop.assert_books_balance()
