"""A supplier's simulator that runs, what it sells, and a purchase to try."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseRequest, PurchaseResult, Supplier
from kameng_sdk.testing.scenes import Merchant, Scene, Stoppable
from kameng_sdk.testing.serving import wait_for

S = TypeVar("S", bound=Stoppable)
PLENTY = Money(10_000 * 10_000)


@dataclass
class SupplyScene(Scene[S]):
    """What one test of a supplier's plugin needs; a plugin adds its `Supplier`."""

    merchant: Merchant = field(default_factory=lambda: Merchant(answer="ok"))

    def purchase_request(
        self, purchase_no: str, sku_ref: str, quantity: int = 1, **changes: Any
    ) -> PurchaseRequest:
        """A purchase with a generous cap that tells this scene's shop."""
        values: dict[str, Any] = {
            "purchase_no": purchase_no,
            "sku_ref": sku_ref,
            "quantity": quantity,
            "inputs": {},
            "max_cost": PLENTY,
            "notify_url": f"{self.shop_url}/notify",
        }
        return PurchaseRequest(**(values | changes))

    def settled(self, supplier: Supplier, purchase_no: str, ref: str = "") -> PurchaseResult:
        """Ask until the purchase is no longer pending."""

        def ask() -> PurchaseResult | None:
            result = supplier.query(self.ctx(), purchase_no, ref)
            return None if result.outcome is Outcome.PENDING else result

        result = wait_for(ask)
        assert result is not None
        return result

    def sales(self, purchase_no: str = "") -> list[dict[str, Any]]:
        """What the simulator sold under a number, or in all; the newest first."""
        found: list[dict[str, Any]] = self._ask("GET", "orders", {"number": purchase_no})["orders"]
        return found

    def order(self, attempt_no: str) -> dict[str, Any]:
        """The newest sale under a number."""
        return self.sales(attempt_no)[0]

    def facts(self) -> dict[str, Any]:
        """What really happened over there."""
        return self._ask("GET", "facts")

    def goods(self, ref: str, **changes: object) -> None:
        """Move the cost, stock or sale of goods."""
        self._ask("POST", f"goods/{ref}", changes)

    def balance_is(self, amount: str) -> None:
        """Set how much money is left."""
        self._ask("POST", "balance", {"amount": amount})
