"""P3: real notices of every gateway, changed: they move nothing and are never told "success"."""

from typing import Any

import pytest

from kameng.settings import Settings

from .gates import GATES, Gate
from .sales import DEER, JIANGNAN, Sale, Sales
from .street import Notice, Street

CASES = [(name, case) for name, gate in GATES.items() for case in gate.forgeries]
CASES_IDS = [f"{name}-{case}" for name, case in CASES]
each_gate = pytest.mark.parametrize("gate", GATES, indirect=True, scope="module")


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


def refused(sales: Sales, notice: Notice, path: str = "", status: int = 400) -> None:
    """It changes nothing and is no success."""
    before = sales.books()
    answer = sales.street.send(notice, path)
    assert answer.status_code == status
    assert answer.text != sales.gate.answer[1]
    assert "success" not in answer.text.lower()
    assert sales.books() == before


@pytest.mark.parametrize(
    ("gate", "case"), CASES, ids=CASES_IDS, indirect=["gate"], scope="module"
)
def test_P3_what_is_forged_changes_nothing(
    sales: Sales, real: tuple[Sale, Notice], case: str
) -> None:
    sale, notice = real
    forged = sale.gate.forgeries[case](sale.gate, notice)
    assert forged != notice
    refused(sales, forged)


ANYWHERE: dict[str, tuple[Any, int]] = {
    "nothing at all": (lambda n: n.but(query="", body=b""), 400),
    "garbage": (lambda n: n.but(method="POST", query="%ff%fe=%00", body=b"\xff\xfe=\x00{"), 400),
    "65 KiB": (lambda n: n.but(method="POST", body=b"x" * (65 * 1024)), 413),
    "by PUT": (lambda n: n.but(method="PUT"), 405),
    "by DELETE": (lambda n: n.but(method="DELETE"), 405),
    "to nobody's address": (lambda n: n.but(path=n.path[:-43] + "0" * 43), 404),
}


@each_gate
@pytest.mark.parametrize("case", ANYWHERE)
def test_P3_what_is_no_notice_changes_nothing(
    sales: Sales, real: tuple[Sale, Notice], case: str
) -> None:
    change, status = ANYWHERE[case]
    refused(sales, change(real[1]), status=status)


@each_gate
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
    refused(sales, real[1], stations)
    refused(sales, real[1], accounts_own)
    refused(sales, real[1], plugins_own)
    refused(sales, real[1], real[1].path.replace(gate.plugin_id, other.plugin_id), status=404)


def accounts(sales: Sales) -> set[str]:
    query = "SELECT account FROM station_plugin WHERE station_id = 1 AND plugin_id = %s"
    return {row[0] for row in sales.shop.owner.execute(query, (sales.gate.plugin_id,))}


@each_gate
def test_P3_a_signed_notice_pays_attempts_of_its_own_gateway_only(
    sales: Sales, real: tuple[Sale, Notice]
) -> None:
    """The gateway's key proves what it has taken, not what another one has."""
    gate, placed = sales.gate, real[0].placed
    foreign = sales.shop.attempt(
        DEER, placed.payable, order=placed.order_id, plugin=gate.other().plugin_id
    )
    refused(sales, gate.signed(real[1], attempt_no=foreign))
    refused(sales, gate.signed(real[1], attempt_no="26110000000000000000"))


@each_gate
@pytest.mark.parametrize("off", [-1, 1])
def test_P3_a_signed_wrong_amount_waits_for_a_person(
    sales: Sales, real: tuple[Sale, Notice], off: int
) -> None:
    sale, notice = real
    refused(sales, sale.gate.signed(notice, fen=sale.fen + off))
    assert sales.alerts(sale, "payment_amount") == 1
    logged = "SELECT result FROM payment_notice WHERE attempt_no = %s ORDER BY last_at DESC LIMIT 1"
    assert sales.shop.one(logged, sale.attempt_no) == "amount_mismatch"


@each_gate
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
