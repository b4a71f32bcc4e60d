"""What happens to the simulated money: sessions, payments, late payments and refunds."""

import time
from typing import Any

from .balance import book, fee_of
from .objects import ApiError, Objects, Thing, new_id, now
from .store import Store

SHORTEST, LONGEST = 30 * 60, 24 * 3600


class Bank:
    """The changes of state, each inside a transaction that the caller opened."""

    def __init__(self, store: Store, base_url: str) -> None:
        self.store = store
        self._base_url = base_url

    def urls(self, thing: Thing) -> set[str]:
        """The default webhook address, and the one which the plugin names for a simulator."""
        named = thing.get("metadata", {}).get("notify_url", "")
        return {url for url in (self.store.setting("webhook_url"), named) if url}

    # Sessions

    def create_session(self, objects: Objects, params: dict[str, Any]) -> Thing:
        if params.get("mode") != "payment":
            raise ApiError(400, "Only mode=payment is simulated", param="mode")
        items = params.get("line_items")
        if not isinstance(items, list) or not items:
            raise ApiError(400, "You must provide line_items", "parameter_missing", "line_items")
        if not params.get("success_url"):
            raise ApiError(400, "You must provide success_url", "parameter_missing", "success_url")
        for name in ("success_url", "cancel_url"):
            if not str(params.get(name, "https://")).startswith(("http://", "https://")):
                raise ApiError(400, "Not a valid URL", "url_invalid", name)
        currency, total = _total(items)
        intent = self._new_intent(objects, params, currency, total)
        ident = "cs_test_" + new_id("")[1:]
        return objects.add(
            {
                "id": ident,
                "object": "checkout.session",
                "amount_subtotal": total,
                "amount_total": total,
                "cancel_url": params.get("cancel_url"),
                "client_reference_id": params.get("client_reference_id"),
                "created": now(),
                "currency": currency,
                "customer": None,
                "expires_at": _end(params),
                "livemode": False,
                "metadata": params.get("metadata", {}),
                "mode": "payment",
                # Null until the shopper submits, as in current versions of the API.
                "payment_intent": None,
                "payment_method_types": ["card"],
                "payment_status": "unpaid",
                "status": "open",
                "success_url": params["success_url"],
                "url": f"{self._base_url}/c/pay/{ident}",
                "_intent": intent["id"],
                "_item": _item_name(items[0]),
            }
        )

    @staticmethod
    def _new_intent(objects: Objects, params: dict[str, Any], currency: str, total: int) -> Thing:
        data = params.get("payment_intent_data", {})
        return objects.add(
            {
                "id": new_id("pi"),
                "object": "payment_intent",
                "amount": total,
                "amount_received": 0,
                "created": now(),
                "currency": currency,
                "last_payment_error": None,
                "latest_charge": None,
                "livemode": False,
                "metadata": data.get("metadata", {}),
                "status": "requires_payment_method",
            }
        )

    def expire(self, objects: Objects, session: Thing) -> Thing:
        if session["status"] != "open":
            raise ApiError(400, "Only Checkout Sessions with status open can be expired.")
        session |= {"status": "expired", "url": None}
        objects.save(session)
        intent = objects.get("payment_intent", session["_intent"])
        objects.save(intent | {"status": "canceled"})
        objects.emit("checkout.session.expired", session, session["id"], self.urls(session))
        return session

    # The shopper

    def pay(self, objects: Objects, ident: str, times: int = 1) -> Thing:
        """Take the money now. A session that was submitted before is paid late."""
        session = objects.get("checkout.session", ident)
        if session["payment_status"] == "paid":
            raise ApiError(409, "已经付过款")
        if session["status"] == "expired":
            raise ApiError(409, "付款页已过期")
        late = session["status"] == "complete"
        session = self._submitted(objects, session) | {"payment_status": "paid"}
        objects.save(session)
        self._collect(objects, session)
        objects.db.execute("DELETE FROM late_payments WHERE session = ?", (ident,))
        kind = "async_payment_succeeded" if late else "completed"
        urls = self.urls(session)
        objects.emit(f"checkout.session.{kind}", session, ident, urls, times)
        return session

    @staticmethod
    def _submitted(objects: Objects, session: Thing) -> Thing:
        done = {"status": "complete", "url": None, "payment_intent": session["_intent"]}
        return objects.save(session | done)

    def _collect(self, objects: Objects, session: Thing) -> None:
        intent = objects.get("payment_intent", session["_intent"])
        charge = objects.add(
            {
                "id": new_id("ch"),
                "object": "charge",
                "amount": intent["amount"],
                "amount_captured": intent["amount"],
                "amount_refunded": 0,
                "created": now(),
                "currency": intent["currency"],
                "livemode": False,
                "metadata": intent["metadata"],
                "paid": True,
                "payment_intent": intent["id"],
                "refunded": False,
                "status": "succeeded",
                "_session": session["id"],
            }
        )
        entry = book(objects, charge, fee=fee_of(charge["amount"]))
        objects.save(charge | {"balance_transaction": entry})
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        objects.save(intent | {"latest_charge": charge["id"], "last_payment_error": None})
        urls = self.urls(session)
        objects.emit("payment_intent.succeeded", intent, session["id"], urls)

    def pay_twice(self, objects: Objects, ident: str, times: int = 1) -> Thing:
        """A session takes money once; the second payment comes by a second, equal session."""
        session = self.pay(objects, ident, times)
        intent = objects.get("payment_intent", session["_intent"])
        unpaid = {"status": "requires_payment_method", "amount_received": 0, "latest_charge": None}
        second_intent = objects.add(intent | unpaid | {"id": new_id("pi"), "created": now()})
        second = session | {
            "id": "cs_test_" + new_id("")[1:],
            "payment_intent": None,
            "_intent": second_intent["id"],
            "payment_status": "unpaid",
            "status": "open",
        }
        objects.add(second)
        self.pay(objects, second["id"], times)
        return session

    def refuse(self, objects: Objects, ident: str) -> Thing:
        """A declined card: the session stays open for another try."""
        session = _open(objects, ident)
        intent = objects.get("payment_intent", session["_intent"])
        error = {"type": "card_error", "code": "card_declined", "message": "卡被拒绝"}
        objects.save(intent | {"last_payment_error": error})
        urls = self.urls(session)
        objects.emit("payment_intent.payment_failed", intent, ident, urls)
        return session

    def pay_late(self, objects: Objects, ident: str, seconds: int) -> Thing:
        """A method that takes its time: the session completes unpaid, the money comes later."""
        session = self._submitted(objects, _open(objects, ident))
        objects.emit("checkout.session.completed", session, ident, self.urls(session))
        objects.db.execute(
            "INSERT OR REPLACE INTO late_payments VALUES (?, ?)", (ident, time.time() + seconds)
        )
        return session

    def notify_again(self, objects: Objects, ident: str, times: int) -> int:
        """Queue every event of a session again, the same event each time."""
        rows = objects.db.execute(
            "SELECT DISTINCT subject, url FROM callbacks WHERE parent = ?", (ident,)
        ).fetchall()
        for row in rows:
            objects.queue(row["subject"], ident, row["url"], times)
        return len(rows) * times

    def do_what_is_due(self) -> None:
        """Called by the courier: late payments, and sessions past their end."""
        due = self.store.rows("SELECT session FROM late_payments WHERE due_at <= ?", time.time())
        with self.store.read() as db:
            over = Objects(db).sessions_past_their_end()
        if not due and not over:
            return
        with self.store.write() as db:
            objects = Objects(db)
            for row in db.execute(
                "DELETE FROM late_payments WHERE due_at <= ? RETURNING session", (time.time(),)
            ).fetchall():
                self.pay(objects, row["session"])
            for session in objects.sessions_past_their_end():
                self.expire(objects, session)

    # Refunds

    def refund(self, objects: Objects, params: dict[str, Any]) -> Thing:
        charge = self._charge_to_refund(objects, params)
        rest = charge["amount"] - charge["amount_refunded"]
        if rest == 0:
            code = "charge_already_refunded"
            raise ApiError(400, f"Charge {charge['id']} has already been refunded.", code)
        amount = _whole(params.get("amount", str(rest)), "amount")
        if amount > rest:
            message = f"Refund amount ({amount}) is greater than unrefunded amount ({rest})"
            raise ApiError(400, message, "amount_too_large", "amount")
        charge["amount_refunded"] += amount
        objects.save(charge | {"refunded": charge["amount_refunded"] == charge["amount"]})
        made = objects.add(
            {
                "id": new_id("re"),
                "object": "refund",
                "amount": amount,
                "charge": charge["id"],
                "created": now(),
                "currency": charge["currency"],
                "metadata": params.get("metadata", {}),
                "payment_intent": charge["payment_intent"],
                "status": "succeeded",
            }
        )
        made = objects.save(made | {"balance_transaction": book(objects, made)})
        current = objects.get("charge", charge["id"])
        objects.emit("charge.refunded", current, charge["_session"], self.urls(charge))
        return made

    @staticmethod
    def _charge_to_refund(objects: Objects, params: dict[str, Any]) -> Thing:
        ident = params.get("charge")
        if not ident:
            intent = objects.get("payment_intent", str(params.get("payment_intent", "")))
            ident = intent["latest_charge"]
        if not ident:
            raise ApiError(400, "This PaymentIntent does not have a successful charge to refund.")
        return objects.get("charge", str(ident))


def _open(objects: Objects, ident: str) -> Thing:
    session = objects.get("checkout.session", ident)
    if session["status"] != "open":
        raise ApiError(409, "付款页已经关闭")
    return session


def _total(items: list[Any]) -> tuple[str, int]:
    currencies, total = set(), 0
    for item in items:
        price = item.get("price_data", {}) if isinstance(item, dict) else {}
        currencies.add(str(price.get("currency", "")).lower())
        quantity = _whole(item.get("quantity", "1"), "quantity")
        total += _whole(price.get("unit_amount", ""), "unit_amount") * quantity
    currency = currencies.pop()
    if currencies or len(currency) != 3:
        raise ApiError(400, "Invalid currency", param="currency")
    return currency, total


def _item_name(item: dict[str, Any]) -> str:
    return str(item.get("price_data", {}).get("product_data", {}).get("name", ""))


def _end(params: dict[str, Any]) -> int:
    if "expires_at" not in params:
        return now() + LONGEST
    end = _whole(params["expires_at"], "expires_at")
    if not SHORTEST <= end - now() <= LONGEST:
        message = "The `expires_at` timestamp must be 30 minutes to 24 hours from now."
        raise ApiError(400, message, param="expires_at")
    return end


def _whole(text: object, param: str) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and int(text) > 0):
        raise ApiError(400, f"Invalid integer: {text}", "parameter_invalid_integer", param)
    return int(text)
