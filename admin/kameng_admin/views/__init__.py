"""The desks of the console, one module each; the order here is the order of the sidebar."""

from __future__ import annotations

from typing import Any

from kameng.catalog.models import Category, Listing, Product, Sku, Tag
from kameng.identity.models import AuditEvent, Member
from kameng.ledger.models import Adjustment, Transfer
from kameng.openapi.models import ApiKey, RefundRequest
from kameng.orders.models import Order
from kameng.payments.models import PaymentAttempt, Refund
from kameng.pricing.models import PriceRule
from kameng.risk.models import RiskDecisionRow
from kameng.settlement.models import Settlement, Withdrawal
from kameng.stations.models import Station, StationApplication
from kameng.stock.models import Alert, CardBatch
from kameng.suppliers.models import (
    Supplier,
    SupplierContract,
    SupplierPayment,
    SupplierStatement,
    SupplyDispute,
)
from kameng.supply.models import Connection, Purchase, SupplyLevel, SupplyOffer
from kameng_admin.views.account import AccountView
from kameng_admin.views.adjusting import AdjustmentsView
from kameng_admin.views.api_keys import ApiKeysView, DialectsView
from kameng_admin.views.approvals import ApprovalsView
from kameng_admin.views.backups import BackupsView
from kameng_admin.views.bonuses import BonusesView
from kameng_admin.views.by_hand import ByHandView
from kameng_admin.views.categories import CategoriesView, TagsView
from kameng_admin.views.connections import ConnectionsView
from kameng_admin.views.contracts import ContractsView
from kameng_admin.views.dashboard import DashboardView
from kameng_admin.views.desks import DecisionsView, PurchasesView, RiskView
from kameng_admin.views.disputes import DisputesView
from kameng_admin.views.flash_sales import FlashSalesView
from kameng_admin.views.forecasts import ForecastsView
from kameng_admin.views.ledger import AccountsView, TransfersView, VerifyView
from kameng_admin.views.members import MembersView
from kameng_admin.views.money_trail import MoneyTrailView
from kameng_admin.views.offers import OffersView
from kameng_admin.views.orders import OrderView
from kameng_admin.views.payment_accounts import PaymentAccountsView
from kameng_admin.views.payments import AttemptView, RefundView
from kameng_admin.views.plans import PlansView
from kameng_admin.views.plugins import PluginsView
from kameng_admin.views.prices import PricesView, RulesView
from kameng_admin.views.products import ProductsView
from kameng_admin.views.purchases import PurchaseListView
from kameng_admin.views.reconciling import ReconcileView
from kameng_admin.views.refund_requests import RefundRequestsView
from kameng_admin.views.refunding import RefundingView
from kameng_admin.views.score_rules import ScoreRulesView
from kameng_admin.views.scores import ScoresView
from kameng_admin.views.search import SearchView
from kameng_admin.views.seasons import SeasonsView
from kameng_admin.views.settling import SettlementsView, StatementsView, TermsView
from kameng_admin.views.sku_supply import SkuSupplyView
from kameng_admin.views.stations import ApplicationsView, StationsView
from kameng_admin.views.stock import AlertsView, BatchesView, StockView
from kameng_admin.views.supplier_money import SupplierPaymentsView, SupplierStatementsView
from kameng_admin.views.suppliers import SuppliersView
from kameng_admin.views.system import AuditView, JobsView, RolesView, StaffView
from kameng_admin.views.webhooks import WebhooksView
from kameng_admin.views.withdrawals import WithdrawalsView


def home_view() -> Any:
    """The board at /admin/."""
    return DashboardView(endpoint="admin", url="/admin")


def all_views() -> list[Any]:
    """Every other view, ready to be added to Flask-Admin."""
    return [
        ApplicationsView(StationApplication, "admin_applications", "applications"),
        OrderView(Order, "admin_orders", "orders"),
        PurchasesView(endpoint="admin_purchases", url="desk"),
        AttemptView(PaymentAttempt, "admin_payments", "payments"),
        RefundView(Refund, "admin_refunds", "refunds"),
        RefundRequestsView(RefundRequest, "admin_refund_requests", "refund-requests"),
        ByHandView(endpoint="admin_by_hand", url="by-hand"),
        RefundingView(endpoint="admin_refunding", url="refunding"),
        ProductsView(Product, "admin_products", "products"),
        CategoriesView(Category, "admin_categories", "categories"),
        TagsView(Tag, "admin_tags", "tags"),
        PricesView(Listing, "admin_prices", "prices"),
        RulesView(PriceRule, "admin_rules", "rules"),
        FlashSalesView(endpoint="admin_flash_sales", url="flash-sales"),
        BonusesView(endpoint="admin_bonuses", url="bonuses"),
        StockView(Sku, "admin_stock", "stock"),
        BatchesView(CardBatch, "admin_batches", "batches"),
        AlertsView(Alert, "admin_alerts", "alerts"),
        ConnectionsView(Connection, "admin_connections", "connections"),
        OffersView(SupplyOffer, "admin_offers", "offers"),
        SkuSupplyView(SupplyLevel, "admin_sku_supply", "supply"),
        PurchaseListView(Purchase, "admin_purchase_list", "purchases"),
        ScoresView(endpoint="admin_scores", url="scores"),
        ScoreRulesView(endpoint="admin_score_rules", url="score-rules"),
        PlansView(endpoint="admin_plans", url="plans"),
        ForecastsView(endpoint="admin_forecasts", url="forecasts"),
        SeasonsView(endpoint="admin_seasons", url="seasons"),
        SuppliersView(Supplier, "admin_suppliers", "suppliers"),
        ContractsView(SupplierContract, "admin_contracts", "contracts"),
        SupplierPaymentsView(SupplierPayment, "admin_supplier_payments", "supplier-payments"),
        SupplierStatementsView(
            SupplierStatement, "admin_supplier_statements", "supplier-statements"
        ),
        DisputesView(SupplyDispute, "admin_disputes", "disputes"),
        StationsView(Station, "admin_stations", "stations"),
        MembersView(Member, "admin_members", "members"),
        PaymentAccountsView(endpoint="admin_payment_accounts", url="payment-accounts"),
        SettlementsView(Settlement, "admin_settlements", "settlements"),
        TermsView(endpoint="admin_terms", url="terms"),
        StatementsView(endpoint="admin_statements", url="statements"),
        WithdrawalsView(Withdrawal, "admin_withdrawals", "withdrawals"),
        ApprovalsView(endpoint="admin_approvals", url="approvals"),
        AccountsView(endpoint="admin_accounts", url="accounts"),
        TransfersView(Transfer, "admin_transfers", "transfers"),
        AdjustmentsView(Adjustment, "admin_adjustments", "adjustments"),
        VerifyView(endpoint="admin_verify", url="ledger/verify"),
        ReconcileView(endpoint="admin_reconcile", url="reconcile"),
        MoneyTrailView(endpoint="admin_trail", url="trail"),
        RiskView(endpoint="admin_risk", url="risk"),
        DecisionsView(RiskDecisionRow, "admin_decisions", "decisions"),
        PluginsView(endpoint="admin_plugins", url="plugins"),
        ApiKeysView(ApiKey, "admin_api_keys", "api-keys"),
        WebhooksView(endpoint="admin_webhooks", url="webhooks"),
        DialectsView(endpoint="admin_dialects", url="dialects"),
        JobsView(endpoint="admin_jobs", url="jobs"),
        BackupsView(endpoint="admin_backups", url="backups"),
        StaffView(endpoint="admin_staff", url="staff"),
        RolesView(endpoint="admin_roles", url="roles"),
        AuditView(AuditEvent, "admin_audit", "audit"),
        AccountView(endpoint="admin_account", url="account"),
        SearchView(endpoint="admin_search", url="search"),
    ]
