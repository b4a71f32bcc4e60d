"""A supplier that is a person: each purchase waits in the console until somebody completes it."""

from __future__ import annotations

from collections.abc import Sequence

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    BaseSupplier,
    PurchaseRequest,
    PurchaseResult,
    Supplier,
    SupplierCapability,
)

DEFAULT_NOTE = "请在采购单中填写发货内容后完成,无法处理时请拒绝。"


class ManualSupplier(BaseSupplier):
    """Accepts every purchase as PENDING; sends nothing, so one number never buys twice."""

    capabilities = SupplierCapability.MANUAL | SupplierCapability.CODES | SupplierCapability.TOP_UP

    def __init__(self, note: str) -> None:
        self._note = note

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Waiting for a person; the note tells them what to do."""
        return PurchaseResult(
            outcome=Outcome.PENDING, supplier_ref=request.purchase_no, message=self._note
        )


@hookimpl
def kameng_manifest() -> PluginManifest:
    """On by default: the last resort when no other supplier has the goods."""
    return PluginManifest(
        id="supplier-manual",
        kind=PluginKind.SUPPLIER,
        name="人工供货",
        version="0.1.0",
        api_version=(1, 0),
        description="采购单进入后台待办,由工作人员处理完成。",
        author="Kameng",
        config_fields=(
            ConfigField(
                name="note", label="处理说明", kind="text", default=DEFAULT_NOTE, scope="main",
                help="显示在采购单上,供处理人员参考",
            ),
        ),
        capabilities=("codes", "top_up"),
        restricted=True,
        on_by_default=True,
    )  # fmt: skip


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    """One desk for all purchases."""
    return (ManualSupplier(config.text("note", DEFAULT_NOTE)),)
