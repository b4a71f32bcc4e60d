"""What simulators of suppliers do alike: levers, proofs, a page, notices, and answers that lie."""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_input_stream

from kameng_sdk.money import Money
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.control import as_csv
from kameng_sdk.simulation.courier import Callback, Courier
from kameng_sdk.simulation.levers import Levers
from kameng_sdk.simulation.lies import LOST, cut_off, html_page, truncated
from kameng_sdk.simulation.sales import Order, Refused
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import Site, View, answer_json
from kameng_sdk.simulation.store import Row
from kameng_sdk.simulation.warehouse import (
    FIRST_BALANCE,
    FORGED,
    MOST,
    WORDS,
    AnswerLies,
    Warehouse,
    open_store,
)
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

FATES = {"finish": "done", "fail": "failed", "owe": "owed"}
COLUMNS = ("kind", "number", "ref", "amount", "at")


class SupplierSimulator(ABC):
    """A subclass names its goods and speaks its dialect; its `__init__` may add to this one.

    Levers, besides those of `warehouse.DEFAULTS` at ``/control/settings``:

    - ``POST /control/goods/<ref>`` cost, stock (or ``endless``), on_sale (on, off)
    - ``POST /control/balance`` amount
    - ``POST /control/<order>/<action>``: refund (amount), fail, owe, finish, notify; ``<order>`` is
      the supplier's number, or the buyer's as ``out:<number>``
    - ``GET /control/orders`` (``?number=``), ``/control/facts``, ``/control/goods``
    """

    name: ClassVar[str]
    """The plugin's short name."""

    title: ClassVar[str]
    """The system's name for its page, in Chinese."""

    goods: ClassVar[tuple[Goods, ...]]
    """What it sells."""

    idempotent: ClassVar[bool] = True
    """Whether a buyer's number buys once."""

    first_balance: ClassVar[Money] = FIRST_BALANCE
    """The buyer's money at the start, and the currency of everything."""

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self.base_url = environment.url_of(self.name)
        self.store = open_store(environment.folder_of(self.name))
        self.warehouse = Warehouse(
            self.store, self.goods, idempotent=self.idempotent, balance=self.first_balance
        )
        self._pages = CashierPages(__package__, environment.public_name, {})
        self._site = Site(
            [*_rules(), *self.rules()],
            {**self._common_views(), **self.views()},
            pages=self._pages,
            levers=Levers(self.store, WORDS, MOST),
            ledger=self,
        )
        self._courier = Courier(
            self.store, prepare=self._prepare, accepted=self.accepted, each_round=self._each_round
        )
        self._courier.ensure_running()

    # What a dialect says of its own

    @abstractmethod
    def rules(self) -> list[Rule]:
        """Its addresses. Called while this class is made: use no fields of the subclass."""

    @abstractmethod
    def views(self) -> Mapping[str, View]:
        """What answers there: mostly `lambda request: self.lying(lambda: …, buys=…)`."""

    @abstractmethod
    def callback(self, order: Order, *, forged: bool) -> Callback:
        """The notice of how an order stands, to `order.notify_url`; forged: signed wrongly."""

    @abstractmethod
    def system_error(self) -> Response:
        """HTTP 200 with the dialect's "unknown error": nobody knows whether it was done."""

    @abstractmethod
    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""

    def missigned(self, response: Response) -> Response:
        """An answer with a broken signature, where answers are signed."""
        return response

    def accepted(self, status: int, text: str) -> bool:
        """Whether the answer to a notice ends its repetition."""
        return status == 200 and text.strip() == "ok"

    # For everybody

    def close(self) -> None:
        """Stop the background threads; undelivered notices wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        # Read even by those who answer unread: werkzeug's server would wait for the rest of it.
        environ["wsgi.input"] = io.BytesIO(get_input_stream(environ).read())
        return self._site(environ, start_response)

    def lying(self, answer: Callable[[], Response], *, buys: bool = False) -> Response:
        """What `answer` gives; or, when a lie is due, something else in its place.

        `answer` is not called at all for lies that say that nothing was done.
        """
        time.sleep(int(self.store.setting("latency_ms")) / 1000)
        lies = self.warehouse.lies
        lie = lies.about_answer(buys=buys)
        response = Response()
        if lie not in LOST:
            try:
                response = answer()
            except AnswerLies as asked:
                lie = asked.lie
            self._courier.wake()
        if lie:
            lies.tell(lie)
        return self._told(lie, response)

    def _told(self, lie: str, response: Response) -> Response:
        match lie:
            case "html" | "html_lost":
                return html_page()
            case "truncated":
                return truncated(response)
            case "wrong_signature":
                return self.missigned(response)
            case "ok_with_error" | "ok_with_error_lost":
                return self.system_error()
            case "late_success":
                time.sleep(int(self.store.setting("late_ms")) / 1000)
                return cut_off()
            case "silent":
                return cut_off()
        return response

    # Notices

    def _prepare(self, row: Row) -> Callback:
        order = self.warehouse.order(row["subject"])
        return self.callback(order, forged=row["parent"] == FORGED)

    def _each_round(self) -> None:
        self.warehouse.settle()
        self.warehouse.forget_forged()

    # Levers and proofs

    def orders(self, reference: str) -> dict[str, Any]:
        """All orders, the newest first, or those with the buyer's number."""
        return {"orders": [order.show() for order in self.warehouse.orders(reference)]}

    def bill(self) -> str:
        """What was taken and given back as CSV."""
        lines = []
        for order in self.warehouse.orders():
            line = (order.number, order.ref)
            lines.append(("purchase", *line, order.cost.format(4), order.created_at))
            if order.refunded:
                lines.append(("refund", *line, order.refunded.format(4), order.due_at))
        return as_csv(COLUMNS, lines)

    def _common_views(self) -> dict[str, View]:
        house = self.warehouse
        return {
            "home": self._home,
            "orders": lambda request: answer_json(self.orders(request.args.get("number", ""))),
            "facts": lambda request: answer_json(house.facts()),
            "goods": lambda request: answer_json({"goods": [g.show() for g in house.shelf.all()]}),
            "article": lambda request, ref: answer_json(
                house.shelf.change(ref, request.values.to_dict()).show()
            ),
            "balance_lever": self._change_balance,
            "act": self._act,
        }

    def _home(self, request: Request) -> Response:
        return self._pages.show(
            request,
            "supplier.html",
            title=self.title,
            goods=self.warehouse.shelf.all(),
            orders=self.warehouse.orders(most=20),
            balance=self.warehouse.balance().format(4),
            settings=self.store.settings(),
        )

    def _change_balance(self, request: Request) -> Response:
        self.warehouse.change_balance(self._amount(request))
        return answer_json({"balance": self.warehouse.balance().format(4)})

    def _act(self, request: Request, asked: str, action: str) -> Response:
        try:
            ref = self._ref(asked)
            if action in FATES:
                self.warehouse.decide(ref, FATES[action])
            elif action == "refund":
                self.warehouse.refund(ref, self._amount(request))
            elif action == "notify":
                self.warehouse.notify(ref)
            else:
                raise BadRequest("unknown action")
        except Refused as error:
            return answer_json({"error": str(error)}, status=409)
        self._courier.wake()
        return answer_json(self.warehouse.order(ref).show())

    def _ref(self, asked: str) -> str:
        if not asked.startswith("out:"):
            return self.warehouse.order(asked).ref
        found = self.warehouse.orders(asked.removeprefix("out:"), most=1)
        if not found:
            raise NotFound("no order with that number")
        return found[0].ref

    def _amount(self, request: Request) -> Money:
        try:
            return Money.parse(request.values.get("amount", ""), self.first_balance.currency)
        except ValueError:
            raise BadRequest("amount is a decimal") from None


def _rules() -> list[Rule]:
    return [
        Rule("/", endpoint="home", methods=["GET"]),
        Rule("/control/facts", endpoint="facts", methods=["GET"]),
        Rule("/control/goods", endpoint="goods", methods=["GET"]),
        Rule("/control/goods/<ref>", endpoint="article", methods=["POST"]),
        Rule("/control/balance", endpoint="balance_lever", methods=["POST"]),
        Rule("/control/<asked>/<action>", endpoint="act", methods=["POST"]),
    ]
