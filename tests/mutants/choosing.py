"""Which tests should notice a mutant: files by context, the cheapest first; a map of what calls what narrows them.

The long histories of tests/properties are not among them: a safeguard needs a test that names it.
"""

from __future__ import annotations

WALLS = ("tests/isolation/test_catalogue.py::test_T12_the_walls_stand",)
RULES = "tests/integration/db/test_rules.py"
RACES = ("tests/properties/test_locks.py", "tests/properties/test_races.py")
PAYING = (
    "tests/integration/payments/test_paying.py", "tests/integration/payments/test_races.py", "tests/integration/payments/test_at_once.py",
    "tests/integration/payments/test_funding.py", "tests/integration/payments/test_accounts.py",
    "tests/integration/payments/test_bonuses.py", "tests/integration/payments/test_refund_requests.py",
    "tests/integration/payments/test_own_collecting.py", "tests/integration/payments/test_paying_by_hand.py",
    "tests/integration/payments/test_callbacks.py", "tests/integration/payments/test_wallet_and_bank.py",
    "tests/integration/payments/test_reconciling.py", "tests/integration/payments/test_short_notices.py",
)  # fmt: skip
CHECKOUT = ("tests/integration/payments/test_checkout.py",)
FLASH = (
    "tests/integration/promotions/test_flash_orders.py",
    "tests/integration/promotions/test_flash_api.py",
)
ORDERS = (
    "tests/integration/orders/test_placing.py",
    "tests/integration/orders/test_returns.py",
    "tests/integration/risk/test_assessing.py",
)
SETTLEMENT = (
    "tests/integration/settlement/test_releasing.py", "tests/integration/settlement/test_withdrawing.py",
    "tests/integration/settlement/test_paying_out.py", "tests/integration/settlement/test_statements.py",
)  # fmt: skip
OPENAPI = (
    "tests/integration/openapi/test_buying.py", "tests/integration/openapi/test_refund_requests.py",
    "tests/integration/openapi/test_sandbox.py", "tests/integration/openapi/test_statements.py",
    "tests/integration/openapi/test_native_door.py", "tests/integration/openapi/test_short_way.py",
)  # fmt: skip
SUPPLY = (
    "tests/integration/supply/test_purchases.py", "tests/integration/supply/test_desk.py",
    "tests/integration/supply/test_costs.py", "tests/integration/supply/test_notices.py",
)  # fmt: skip
SUPPLIERS = (
    "tests/integration/suppliers/test_money.py", "tests/integration/suppliers/test_contracts.py",
    "tests/integration/suppliers/test_disputes.py", "tests/integration/suppliers/test_portal_goods.py",
)  # fmt: skip
STOCK = (
    "tests/integration/stock/test_vault.py", "tests/integration/stock/test_importing.py",
    "tests/integration/stock/test_levels_and_alerts.py",
)  # fmt: skip
LEDGER = (
    "tests/integration/ledger/test_adjusting.py",
    "tests/integration/ledger/test_seal.py",
    "tests/integration/ledger/test_verify.py",
)
DOORS = (
    "tests/integration/db/test_doors.py",
    "tests/properties/test_refusals.py",
    "tests/properties/test_effects.py",
    "tests/properties/test_recovering.py",
)
OF_CONTEXT = {
    "catalog": (*DOORS, "tests/integration/catalog/test_front.py"),
    "db": (*DOORS, "tests/isolation/test_hostile_reader.py"),
    "identity": (*DOORS, *LEDGER[:1], *SETTLEMENT[1:2], *SUPPLIERS[:1]),
    "jobs": (*DOORS, "tests/integration/jobs/test_relay.py"),
    "ledger": (*DOORS, *LEDGER, *ORDERS[:1], *PAYING[:2], *RACES, *OPENAPI[:1]),
    "openapi": (
        *DOORS,
        *OPENAPI,
        *FLASH[1:],
        "tests/integration/payments/test_refund_requests.py",
        *RACES,
    ),
    "ops": (
        *DOORS,
        "tests/integration/payments/test_after_restore.py",
        "tests/integration/supply/test_after_restore.py",
    ),
    "orders": (*DOORS, *ORDERS, *PAYING[:2], *CHECKOUT, *FLASH[:1], *RACES),
    "payments": (*DOORS, *PAYING, *CHECKOUT, *ORDERS[1:], *RACES),
    "plugins": (*DOORS, "tests/integration/plugins/test_station_plugins.py"),
    "promotions": (*DOORS, *FLASH, "tests/integration/promotions/test_gate.py"),
    "risk": (*DOORS, *ORDERS[2:]),
    "settlement": (*DOORS, *SETTLEMENT, *RACES),
    "stations": (*DOORS, "tests/integration/stations/test_opening.py"),
    "stock": (*DOORS, *STOCK, *ORDERS[:1], *PAYING[:2], *RACES),
    "suppliers": (*DOORS, *SUPPLIERS),
    "supply": (*DOORS, *SUPPLY, *SUPPLIERS[:1], *RACES),
}
BILLS = "tests/integration/payments/test_gateway_bills.py"


def files_for_function(file: str, function: str) -> tuple[str, ...]:
    """Test files for a guarded function of this file."""
    context = file.split("/")[2]
    more = (BILLS,) if "bill" in file or "bill" in function else ()
    return (*more, *OF_CONTEXT.get(context, DOORS))


def rules_of(table: str) -> tuple[str, ...]:
    """Tests for a rule or a unique key of this table."""
    tests = (f"test_a_row_that_breaks_a_rule_is_refused[{table}]", f"test_a_second_row_with_the_same_key_is_refused[{table}]",
             "test_every_rule_of_the_schema_is_broken_by_a_sample")  # fmt: skip
    return tuple(f"{RULES}::{test}" for test in tests)
