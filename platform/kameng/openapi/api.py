"""What the faces, the dialects and other contexts may use of the open API."""

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
from kameng.openapi.services.buying import Entry, admit_and_buy, buy
from kameng.openapi.services.callers import Allowance, admit, open_key, secrets_of
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
from kameng.openapi.services.reading import account, decimal, order, order_of, orders
from kameng.openapi.services.refusing import ApiRefused, refused
from kameng.openapi.services.shelf import (
    categories,
    product,
    product_by_id,
    products,
    products_by_ids,
)
from kameng.openapi.services.switches import dialect_switches, switch_dialect

__all__ = [
    "DIALECTS", "INSECURE", "REFUSALS", "SCOPES", "AccountFacts", "Allowance", "ApiRefused",
    "Bought", "Buy", "Caller", "CardFacts", "CategoryFacts", "Dialect", "Entry", "FieldFacts",
    "KeyView", "OrderFacts", "ProductFacts", "ProductPage", "RefundRequestFacts", "Refusal",
    "SecretView", "account", "add_secret", "admit", "admit_and_buy", "buy", "categories",
    "change_key", "decimal", "dialect_switches", "key_of", "keys_of", "list_keys", "make_key",
    "merchant_number", "open_key", "order", "order_of", "orders", "product", "product_by_id",
    "products", "products_by_ids", "refused", "register_notices", "reseal_all", "revoke_at",
    "revoke_key", "revoke_secret", "secrets_of", "set_limit", "switch_dialect",
]  # fmt: skip
