"""P3: real notices of every gateway, changed: they move nothing and are never told "success"."""

from typing import Any

import pytest

from kameng.settings import Settings

from .gates import GATES, Gate
from .sales import DEER, JIANGNAN, Sale, Sales
from .street import Notice, Street

pytestmark = pytest.mark.parametrize("gate", GATES, indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


@pytest.fixture(scope="module")
def _kept(gate: Gate) -> dict[str, tuple[Sale, Notice]]:
    return {}


@pytest.fixture
def real(sales: Sales, _kept: dict[str, tuple[Sale, Notice]]) -> tuple[Sale, Notice]:
    """A paid attempt, and the gateway's notice of it, which the shop has not got yet."""
    if not _kept:
        sale = sales.begin()
        _kept["real"] = sale, sales.held_back(sale)
    return _kept["real"]


def wrongs(sales: Sales, cases: dict[str, tuple[Notice, int]]) -> dict[str, list[str]]:
    """What is wrong with the answers and effects of notices that must be refused, by case."""
    found, before = {}, sales.books()
    for case, (notice, status) in cases.items():
        answer = sales.street.send(notice)
        after = sales.books()
        wrong = [f"changed {table}" for table in after if after[table] != before[table]]
        if answer.status_code != status:
            wrong.append(f"answered {answer.status_code}")
        if answer.text == sales.gate.answer[1] or "success" in answer.text.lower():
            wrong.append(f"answered {answer.text}")
        if wrong:
            found[case] = wrong
        before = after
    return found


def test_P3_what_is_forged_changes_nothing(sales: Sales, real: tuple[Sale, Notice]) -> None:
    sale, notice = real
    cases = {case: (forge(sale.gate, notice), 400) for case, forge in sale.gate.forgeries.items()}
    assert [case for case, (forged, _status) in cases.items() if forged == notice] == []
    assert wrongs(sales, cases) == {}


def test_P3_what_is_no_notice_changes_nothing(sales: Sales, real: tuple[Sale, Notice]) -> None:
    _sale, notice = real
    junk: dict[str, Any] = {"method": "POST", "body": b"\xff\xfe=\x00{", "query": "%ff%fe=%00"}
    cases = {
        "nothing at all": (notice.but(query="", body=b""), 400),
        "garbage": (notice.but(**junk), 400),
        "65 KiB": (notice.but(method="POST", body=b"x" * (65 * 1024)), 413),
        "by PUT": (notice.but(method="PUT"), 405),
        "by DELETE": (notice.but(method="DELETE"), 405),
        "to nobody's address": (notice.but(path=notice.path[:-43] + "0" * 43), 404),
    }
    assert wrongs(sales, cases) == {}


def test_P3_a_notice_counts_at_its_own_address_only(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    """Not at another station's, another account's or another plugin's."""
    from kameng.plugins import api as plugins

    gate, other = sales.gate, sales.gate.other()
    with sales.shop.app.app_context():
        if "second" not in accounts(sales):
            plugins.add_account(1, gate.plugin_id, "second", "test")
        plugins.configure(1, gate.plugin_id, gate.config(), "test", "second")
        stations = plugins.hook_path(JIANGNAN, gate.plugin_id)
        accounts_own = plugins.hook_path(1, gate.plugin_id, "second")
        plugins_own = plugins.hook_path(1, other.plugin_id)
    notice = real[1]
    mixed = notice.path.replace(gate.plugin_id, other.plugin_id)
    cases = {
        "another station's": (notice.but(path=stations), 400),
        "another account's": (notice.but(path=accounts_own), 400),
        "another plugin's": (notice.but(path=plugins_own), 400),
        "our token under another name": (notice.but(path=mixed), 404),
    }
    assert wrongs(sales, cases) == {}


def accounts(sales: Sales) -> set[str]:
    query = "SELECT account FROM station_plugin WHERE station_id = 1 AND plugin_id = %s"
    return {row[0] for row in sales.shop.owner.execute(query, (sales.gate.plugin_id,))}


def test_P3_a_signed_notice_pays_attempts_of_its_own_gateway_only(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    """The gateway's key proves what it has taken, not what another one has."""
    gate, placed = sales.gate, real[0].placed
    foreign = sales.shop.attempt(
        DEER, placed.payable, order=placed.order_id, plugin=gate.other().plugin_id
    )
    cases = {
        "another gateway's": (gate.signed(real[1], attempt_no=foreign), 400),
        "nobody's": (gate.signed(real[1], attempt_no="26110000000000000000"), 400),
    }
    assert wrongs(sales, cases) == {}


def test_P3_a_signed_wrong_amount_waits_for_a_person(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    sale, notice = real
    cases = {
        "one fen less": (sale.gate.signed(notice, fen=sale.fen - 1), 400),
        "one fen more": (sale.gate.signed(notice, fen=sale.fen + 1), 400),
    }
    assert wrongs(sales, cases) == {}
    assert sales.alerts(sale, "payment_amount") == 1
    logged = "SELECT count(*) FROM payment_notice WHERE attempt_no = %s AND result = %s"
    assert sales.shop.one(logged, sale.attempt_no, "amount_mismatch") == 2


def test_P3_after_all_that_the_real_notice_still_delivers(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    """So what was refused was refused for its change alone."""
    sale, notice = real
    assert sales.deliver(sale, notice) == sale.gate.answer
    assert sales.state(sale) == "delivered"
    rewritten = sale.gate.signed(notice)
    assert sales.deliver(sale, rewritten) == sale.gate.answer
    assert sales.shop.one("SELECT count(*) FROM transfer WHERE order_id = %s AND kind = "
                          "'payment.collect'", sale.order_id) == 1  # fmt: skip
    sales.shop.assert_books_balance()


def test_P3_one_payment_does_not_pay_a_second_attempt(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    """Signed by the gateway, so it is no forgery; and yet a person has to look."""
    other = sales.begin()
    cases = {"the second": (sales.gate.signed(real[1], attempt_no=other.attempt_no), 400)}
    assert wrongs(sales, cases) == {}
    assert sales.alerts(other, "payment_reference") == 1
    assert sales.state(other) == "pending_payment"
