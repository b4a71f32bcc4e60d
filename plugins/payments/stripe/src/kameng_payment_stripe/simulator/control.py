"""What the checkout page can do, for tests; and what there is to see."""

from werkzeug.exceptions import BadRequest

from kameng_sdk.simulation.control import as_csv
from kameng_sdk.simulation.levers import whole

from .bank import Bank
from .objects import Objects, Thing, missing
from .store import Store


class Control:
    """Each action is a POST to `/control/<session id>/<action>`."""

    def __init__(self, store: Store, bank: Bank) -> None:
        self._store = store
        self._bank = bank

    def act(self, asked: str, action: str, params: dict[str, str]) -> Thing:
        """``asked`` is a session's id, or `out:<attempt number>` for its first session."""
        with self._store.write() as db:
            objects = Objects(db)
            ident = _session_id(objects, asked)
            match action:
                case "pay":
                    self._bank.pay(objects, ident, whole(params, "times", 1))
                case "pay_twice":
                    self._bank.pay_twice(objects, ident, whole(params, "times", 1))
                case "pay_late":
                    seconds = whole(params, "seconds", 20, most=86_400)
                    self._bank.pay_late(objects, ident, seconds)
                case "refuse":
                    self._bank.refuse(objects, ident)
                case "notify":
                    self._bank.notify_again(objects, ident, whole(params, "times", 1))
                case _:
                    raise BadRequest("unknown action")
            return self.describe(objects, ident)

    def show(self, ident: str) -> Thing:
        """One session as `describe` tells it; raises `ApiError`."""
        with self._store.read() as db:
            return self.describe(Objects(db), ident)

    def describe(self, objects: Objects, ident: str) -> Thing:
        """The session with its intent, its refunds and how its webhooks fare."""
        session = objects.get("checkout.session", ident)
        intent = objects.get("payment_intent", session["_intent"])
        callbacks = objects.db.execute(
            "SELECT c.subject, o.body ->> 'type' AS type, c.url, c.state, c.tries, c.answer"
            " FROM callbacks c JOIN objects o ON o.id = c.subject WHERE c.parent = ?"
            " ORDER BY c.id",
            (ident,),
        ).fetchall()
        late = objects.db.execute(
            "SELECT due_at FROM late_payments WHERE session = ?", (ident,)
        ).fetchone()
        return session | {
            "intent": intent,
            "refunds": objects.refunds_of(intent["id"]),
            "callbacks": [dict(row) for row in callbacks],
            "pays_at": late["due_at"] if late else None,
        }

    def orders(self, reference: str) -> Thing:
        """The newest sessions, or those of one attempt."""
        with self._store.read() as db:
            objects = Objects(db)
            if reference:
                found = objects.sessions_of(reference)
            else:
                found, _ = objects.newest("checkout.session", 200)
            return {"orders": [self.describe(objects, session["id"]) for session in found]}

    def bill(self) -> str:
        """All money movements as CSV, without those planted to be missing."""
        omitted = set(self._store.setting("bill_omit").split(","))
        rows = self._store.rows(
            "SELECT kind, id, body ->> '$.metadata.attempt_no',"
            " (body ->> 'amount') * iif(kind = 'refund', -1, 1), body ->> 'created'"
            " FROM objects WHERE kind IN ('charge', 'refund') ORDER BY seq"
        )
        columns = ("kind", "number", "attempt_no", "fen", "at")
        return as_csv(columns, (row for row in rows if row["id"] not in omitted))


def _session_id(objects: Objects, asked: str) -> str:
    if not asked.startswith("out:"):
        return asked
    found = objects.sessions_of(asked.removeprefix("out:"))
    if not found:
        raise missing("checkout.session", asked)
    return str(found[0]["id"])
