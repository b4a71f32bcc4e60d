"""What the faces, the dialects and other contexts may use of the open API."""

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.buying import merchant_number
from kameng.openapi.domain.callers import DIALECTS, INSECURE, SCOPES, Caller, Dialect
from kameng.openapi.domain.facts import (
    AccountFacts,
    Bought,
    Buy,
    CardFacts,
    CategoryFacts,
    FieldFacts,
    OrderFacts,
    ProductFacts,
    ProductPage,
    RefundRequestFacts,
)
from kameng.openapi.domain.refusals import REFUSALS, Refusal
from kameng.openapi.domain.statements import Statement
from kameng.openapi.services.buying import Entry, admit_and_buy, buy
from kameng.openapi.services.callers import Allowance, admit, open_key, secrets_of
from kameng.openapi.services.dock_notices import register as register_dock_notices
from kameng.openapi.services.keys import (
    KeyView,
    SecretView,
    add_secret,
    change_key,
    key_of,
    keys_of,
    list_keys,
    make_key,
    reseal_all,
    revoke_at,
    revoke_key,
    revoke_secret,
    set_limit,
)
from kameng.openapi.services.notices import register as register_notices
from kameng.openapi.services.refund_desk import (
    RefundRequestView,
    accept_refund_request,
    decline_refund_request,
    open_refund_requests,
    refund_request,
    station_refund_requests,
)
from kameng.openapi.services.refund_requests import (
    requests_of_order,
    withdraw_refund_request,
)
from kameng.openapi.services.refusing import ApiRefused, refused
from kameng.openapi.services.serving import (
    account,
    order,
    order_of,
    orders,
    refund_requests_of,
    request_refund,
    statement,
)
from kameng.openapi.services.shelf import (
    categories,
    numbered_page,
    product,
    product_by_id,
    product_ids,
    products,
    products_by_ids,
    skus_of_products,
)
from kameng.openapi.services.switches import dialect_switches, switch_dialect
from kameng.openapi.services.words import (
    DIALECT_WORDS,
    INSECURE_RISK,
    SCOPE_WORDS,
    DialectWords,
)

__all__ = [
    "DIALECTS", "DIALECT_WORDS", "INSECURE", "INSECURE_RISK", "REFUSALS", "SCOPES", "SCOPE_WORDS",
    "AccountFacts", "Allowance", "ApiRefused", "Bought", "Buy", "Caller", "CardFacts",
    "CategoryFacts", "Dialect", "DialectWords", "Entry", "FieldFacts", "KeyView", "OrderFacts",
    "ProductFacts", "ProductPage", "RefundRequestFacts", "RefundRequestView", "Refusal",
    "SecretView", "Statement", "accept_refund_request", "account", "add_secret", "admit",
    "admit_and_buy", "buy", "categories", "change_key", "decimal", "decline_refund_request",
    "dialect_switches", "key_of", "keys_of", "list_keys", "make_key", "merchant_number",
    "numbered_page", "open_key", "open_refund_requests", "order", "order_of", "orders", "product",
    "product_by_id", "product_ids", "products", "products_by_ids", "refund_request",
    "refund_requests_of", "refused", "register_dock_notices", "register_notices", "request_refund",
    "requests_of_order", "reseal_all", "revoke_at", "revoke_key", "revoke_secret", "secrets_of",
    "set_limit", "skus_of_products", "statement", "station_refund_requests", "switch_dialect",
    "withdraw_refund_request",
]  # fmt: skip
