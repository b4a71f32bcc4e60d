"""The API as Stripe answers it: routes, keys, idempotency, lists and errors."""

import hmac
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from . import balance
from .bank import Bank
from .forms import BadForm, flat, nested
from .objects import ApiError, Objects, Thing, public
from .store import BILL_LEVERS, Store

KINDS = {"payment_intents": "payment_intent", "refunds": "refund", "events": "event"}

ROUTES = Map(
    [
        Rule("/v1/checkout/sessions", endpoint="create_session", methods=["POST"]),
        Rule("/v1/checkout/sessions", endpoint="list_sessions", methods=["GET"]),
        Rule("/v1/checkout/sessions/<ident>", endpoint="get_session", methods=["GET"]),
        Rule("/v1/checkout/sessions/<ident>/expire", endpoint="expire_session", methods=["POST"]),
        Rule("/v1/refunds", endpoint="create_refund", methods=["POST"]),
        Rule("/v1/refunds", endpoint="list_refunds", methods=["GET"]),
        Rule("/v1/events", endpoint="list_events", methods=["GET"]),
        Rule("/v1/balance", endpoint="balance", methods=["GET"]),
        Rule("/v1/balance_transactions", endpoint="list_balance", methods=["GET"]),
        Rule(
            "/v1/<any(payment_intents,refunds,events):plural>/<ident>",
            endpoint="get_object",
            methods=["GET"],
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    replayed: bool = False


class Api:
    """One request is one transaction, the stored answer of its idempotency key included."""

    def __init__(self, store: Store, bank: Bank, secret_key: str) -> None:
        self._store = store
        self._bank = bank
        self._secret_key = secret_key

    def respond(self, request: Request) -> Response:
        """Answer, slowly or wrongly if the levers say so."""
        setting = self._store.setting
        time.sleep(int(setting("latency_ms")) / 1000)
        fails = random.randrange(100) < int(setting("fail_percent"))
        when = setting("fail_when")
        if fails and when == "before":
            return _failure()
        answer = self._answer(request, break_after=fails and when == "after")
        if fails and when == "lost":
            return _failure()
        headers = {"Request-Id": f"req_{random.randrange(10**12)}"}
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer.body, answer.status, headers, mimetype="application/json")

    def _answer(self, request: Request, *, break_after: bool) -> Answer:
        try:
            self._check_key(request)
            params = _params(request)
            scope = self._store.write if request.method == "POST" else self._store.read
            with scope() as db:
                return self._execute(db, request, params, break_after=break_after)
        except ApiError as error:
            return Answer(error.status, _text({"error": error.error}))

    def _check_key(self, request: Request) -> None:
        auth = request.authorization
        given = (auth.token or auth.username or "") if auth else ""
        if not hmac.compare_digest(given.encode(), self._secret_key.encode()):
            raise ApiError(401, "Invalid API Key provided")

    def _execute(
        self, db: Connection, request: Request, params: Thing, *, break_after: bool
    ) -> Answer:
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        if len(key) > 255:
            raise ApiError(400, "Idempotency keys are at most 255 characters")
        asked = f"{request.path}?{flat(params)}"
        if key and (old := _stored(db, key, asked)):
            return old
        # What fails its validation raises here, undoes the transaction and is not stored.
        thing = self._run(Objects(db), request, params)
        answer = Answer(200, _text(thing))
        if break_after:
            error = {"type": "api_error", "message": "An unexpected error occurred"}
            answer = Answer(500, _text({"error": error}))
        if key:
            row = (key, asked, answer.status, answer.body)
            db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", row)
        return answer

    def _run(self, objects: Objects, request: Request, params: Thing) -> Thing:
        try:
            endpoint, values = ROUTES.bind_to_environ(request.environ).match()
        except HTTPException:
            raise ApiError(404, f"Unrecognized request URL: {request.path}") from None
        view: Callable[..., Thing] = getattr(self, f"_{endpoint}")
        return view(objects, params, **values)

    def _create_session(self, objects: Objects, params: Thing) -> Thing:
        return public(self._bank.create_session(objects, params))

    def _get_session(self, objects: Objects, params: Thing, ident: str) -> Thing:
        return public(objects.get("checkout.session", ident))

    def _expire_session(self, objects: Objects, params: Thing, ident: str) -> Thing:
        return public(self._bank.expire(objects, objects.get("checkout.session", ident)))

    def _list_sessions(self, objects: Objects, params: Thing) -> Thing:
        return _page(objects, "checkout.session", "/v1/checkout/sessions", params)

    def _list_events(self, objects: Objects, params: Thing) -> Thing:
        return _page(objects, "event", "/v1/events", params)

    def _list_refunds(self, objects: Objects, params: Thing) -> Thing:
        intent = params.get("payment_intent")
        if not intent:
            return _page(objects, "refund", "/v1/refunds", params)
        objects.get("payment_intent", str(intent))
        found = objects.refunds_of(str(intent))[: _limit(params)]
        return {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found}

    def _list_balance(self, objects: Objects, params: Thing) -> Thing:
        planted = {name: set(self._store.setting(name).split(",")) for name in BILL_LEVERS}
        found, more = balance.page(objects, params, _limit(params), planted)
        url = "/v1/balance_transactions"
        return {"object": "list", "url": url, "has_more": more, "data": found}

    def _create_refund(self, objects: Objects, params: Thing) -> Thing:
        return public(self._bank.refund(objects, params))

    def _get_object(self, objects: Objects, params: Thing, plural: str, ident: str) -> Thing:
        return public(objects.get(KINDS[plural], ident))

    def _balance(self, objects: Objects, params: Thing) -> Thing:
        return {"object": "balance", "available": [], "pending": [], "livemode": False}


def _stored(db: Connection, key: str, asked: str) -> Answer | None:
    row = db.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["request"] != asked:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}'."
        )
        raise ApiError(400, message, "idempotency")
    return Answer(row["status"], row["body"], replayed=True)


def _page(objects: Objects, kind: str, url: str, params: Thing) -> Thing:
    things, more = objects.newest(kind, _limit(params), str(params.get("starting_after", "")))
    data = [public(thing) for thing in things]
    return {"object": "list", "url": url, "has_more": more, "data": data}


def _limit(params: Thing) -> int:
    text = str(params.get("limit", "10"))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 100:
        raise ApiError(400, "limit is 1 to 100", "parameter_invalid_integer", "limit")
    return int(text)


def _params(request: Request) -> dict[str, Any]:
    source = request.form if request.method == "POST" else request.args
    try:
        return nested(source.items(multi=True))
    except BadForm as error:
        raise ApiError(400, f"Invalid parameter: {error}") from None


def _failure() -> Response:
    return Response("upstream failure", status=502)


def _text(thing: Thing) -> str:
    return json.dumps(thing, ensure_ascii=False, indent=2)
