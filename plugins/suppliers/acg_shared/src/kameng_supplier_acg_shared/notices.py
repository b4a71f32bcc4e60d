"""A notice of a V4 store. It has no time, so it only says that there is something to ask about."""

import hashlib
import re

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply, WebhookRequest, single_values

from .account import StoreAccount
from .signing import verify
from .v4 import TRADE_NO

# Values stand unescaped under the signature, so names must be plain.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
REPLY = WebhookReply(
    status=200, body='{"code":200,"msg":"success"}', content_type="application/json"
)


def read_notice(account: StoreAccount, request: WebhookRequest) -> CallbackResult:
    """Raises `WebhookRefused`. A copy, or an old one sent again, does no harm: we ask."""
    if request.method != "POST" or request.query:
        raise WebhookRefused("not a form that was posted")
    form = single_values(request.form_pairs())
    if not form or not all(PLAIN_NAME.fullmatch(name) for name in form):
        raise WebhookRefused("no fields, or one with an odd name")
    signature = request.header("ApiSignature")
    if not signature or not verify(form, account.app_key.reveal(), signature):
        raise WebhookRefused("wrong or no signature")
    number = TRADE_NO.fullmatch(form.get("item_trade_no", ""))
    if number is None:
        raise WebhookRefused("not about a purchase of ours")
    facts = "\n".join(f"{name}={form[name]}" for name in sorted(form))
    event = PurchaseEvent(
        purchase_no=number["no"],
        event_id=hashlib.sha256(facts.encode()).hexdigest(),
        result=None,
    )
    return CallbackResult(events=(event,), reply=REPLY)
