"""Hands for selling through one gate: orders are paid there, jobs are done, time is moved."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from kameng.db import main_scope, station_scope

from .gates import Gate
from .street import Notice, until

MAIN, JIANGNAN, DEER = 1, 2, 3
BACK = "http://deer.localhost/o"
# What money moves: a refused notice may change none of it.
BOOKS = ("orders", "order_event", "payment_attempt", "transfer", "refund", "card", "outbox")


@dataclass(frozen=True, slots=True)
class Sale:
    """An order, and an attempt to pay it at a gateway."""

    placed: Any
    attempt_no: str
    gate: Gate

    @property
    def order_id(self) -> int:
        return int(self.placed.order_id)

    @property
    def fen(self) -> int:
        return int(self.placed.payable) // 100

    def act(self, action: str, **params: str) -> None:
        """The shopper at the cashier of the gateway."""
        assert self.gate.act(self.attempt_no, action, **params) == 200


class Sales:
    """Sells at Deer; the main station's accounts collect."""

    def __init__(self, shop: Any, gate: Gate) -> None:
        self.shop, self.gate, self.street = shop, gate, gate.street
        # What earlier tests have left to be done is not this test's matter.
        shop.owner.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")

    def begin(self, cards: int = 2, placed: Any = None, gate: Gate | None = None) -> Sale:
        """An order whose shopper has come to the gateway."""
        from kameng.payments.api import start

        placed, gate = placed or self.shop.place(self.shop.sku(cards=cards)), gate or self.gate
        with self.shop.app.app_context(), station_scope(DEER):
            way = (gate.plugin_id, gate.method)
            started = start(placed.order_no, *way, "192.0.2.9", return_url=BACK)
        gate.arrive(started)
        return Sale(placed, started.attempt_no, gate)

    def pay(self, sale: Sale, action: str = "pay", **params: str) -> None:
        """The shopper pays, and the gateway's notices reach the shop."""
        sale.act(action, **params)
        self.all_told(sale)

    def all_told(self, sale: Sale) -> None:
        """Wait until the shop has taken all notices about an attempt."""
        until(lambda: sale.gate.told(sale.attempt_no))

    def held_back(self, sale: Sale, action: str = "pay") -> Notice:
        """The shopper pays; the notice of it is in our hands and has not reached the shop."""
        return self.all_held_back(sale, action)[0]

    def all_held_back(self, sale: Sale, action: str) -> list[Notice]:
        """Likewise, when several payments are made."""
        with self.street.holding() as kept:
            sale.act(action)
            self.all_told(sale)
        return [notice for notice in kept if sale.gate.tells_of_payment(notice)]

    def deliver(self, sale: Sale, notice: Notice, path: str = "") -> tuple[int, str]:
        """A notice goes to the shop; what it answers."""
        answer = self.street.send(notice, path)
        return answer.status_code, answer.text

    # The shop

    def state(self, sale: Sale) -> str:
        return str(self.shop.state(DEER, sale.order_id))

    def attempt(self, sale: Sale, column: str) -> Any:
        """One column of the attempt."""
        query = f"SELECT {column} FROM payment_attempt WHERE attempt_no = %s"
        return self.shop.one(query, sale.attempt_no)

    def ask(self, sale: Sale) -> str:
        """The shop asks the gateway."""
        from kameng.payments.api import query_attempt

        with self.shop.app.app_context():
            return query_attempt(DEER, self.attempt(sale, "id"))

    def expire(self, sale: Sale) -> None:
        """The order's time is over."""
        past = "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s"
        self.shop.owner.execute(past, (sale.order_id,))
        self.shop.guarded("expire_orders", p_limit=10)
        assert self.state(sale) == "expired"

    def empty_the_shelves(self) -> None:
        """Nothing is left to deliver."""
        self.shop.owner.execute("UPDATE card SET status = 3 WHERE status = 0")

    def do_jobs(self) -> None:
        """Jobs that events have asked for, then refunds until none is open, each try at its time."""
        from kameng.jobs.discovery import load_tasks
        from kameng.jobs.inline import drain
        from kameng.payments.api import due_refunds, send_refund

        load_tasks()
        with self.shop.app.app_context():
            drain()
            for _ in range(3):
                self.pass_time_for_refunds()
                with main_scope(reason="test"):
                    due = due_refunds()
                for station_id, refund_id in due:
                    send_refund(station_id, refund_id)

    def pass_time_for_refunds(self) -> None:
        """The next try of every refund is due."""
        self.shop.owner.execute(
            "UPDATE refund SET next_try_at = now() - interval '1 second'"
            " WHERE state IN ('created', 'sent', 'unknown')"
        )

    def refund(self, sale: Sale, fen: int) -> str:
        """A person gives back a part of the order; returns the refund's number."""
        from kameng.payments.api import request_refund

        key, asked = secrets.token_hex(8), (DEER, sale.placed.order_no, fen * 100, "test")
        with self.shop.app.app_context():
            code, number = request_refund(*asked, "staff:1", key)
            assert (code, request_refund(*asked, "staff:1", key)) == ("ok", ("repeat", number))
        return number

    def refunds(self, sale: Sale) -> list[tuple[str, int, str, str]]:
        """Refunds of the order as the shop has them: number, fen, state, reason."""
        rows = self.shop.owner.execute(
            "SELECT refund_no, amount / 100, state, reason FROM refund WHERE order_id = %s"
            " ORDER BY refund_no",
            (sale.order_id,),
        )
        return [tuple(row) for row in rows.fetchall()]

    def books(self) -> dict[str, list[Any]]:
        """All that money moves, as it stands."""
        read = self.shop.owner.execute
        return {
            table: read(f"SELECT t::text FROM {table} t ORDER BY 1".encode()).fetchall()
            for table in BOOKS
        }

    def alerts(self, sale: Sale, kind: str) -> int:
        """Open alerts about the attempt."""
        subject = f"attempt:{DEER}:{self.attempt(sale, 'id')}"
        query = "SELECT count(*) FROM alert WHERE kind = %s AND subject = %s AND state = 'open'"
        return int(self.shop.one(query, kind, subject))
