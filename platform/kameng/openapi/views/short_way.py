"""`POST /api/v1/orders` by the short way: what a program does more often than all else together."""

from __future__ import annotations

from typing import cast

from flask import Flask
from flask.blueprints import BlueprintSetupState

from kameng.errors import DomainError
from kameng.openapi import api as openapi
from kameng.openapi.api import Allowance, ApiRefused
from kameng.openapi.views import answering, proof, reading
from kameng.runtime import application_context
from kameng.web.short_way import Environ, ShortAnswer, Way, open_way

ADDRESS = ("POST", "/api/v1/orders")
FLASH = ("flash_sold_out", "flash_once", "flash_not_running")  # nine of ten in a flash sale


def buy(environ: Environ, body: bytes) -> ShortAnswer | None:
    """Buy as `native.buy` does. What is refused at the door is left to that one, untouched."""
    try:
        caller, nonce, secret = proof.prove(proof.signed_by(environ), *ADDRESS, lambda: body)
        proof.check_scope(caller, "orders.write")
        wanted = reading.wanted(body)
    except DomainError:
        return None
    try:
        bought = openapi.admit_and_buy(caller, wanted, openapi.Entry(nonce, secret, _told))
    except ApiRefused as refusal:
        if refusal.code not in FLASH or "HTTP_COOKIE" in environ:  # a cookie may ask for English
            raise
        return _refused(refusal)
    content = answering.encode(answering.order_of(bought.order)).encode()
    status = 200 if bought.repeated else 201
    return ShortAnswer(status, content, answering.limits_of(_told_of()))


def _refused(refusal: ApiRefused) -> ShortAnswer:
    problem = answering.problem_of(refusal.code, refusal.facts, english=False)
    return ShortAnswer(
        refusal.status, problem.encode(), answering.limits_of(_told_of()), answering.PROBLEM
    )


def _told(allowance: Allowance) -> None:
    application_context().g.allowance = allowance  # refusals show it too


def _told_of() -> Allowance:
    return cast(Allowance, application_context().g.allowance)


def register(state: BlueprintSetupState) -> None:
    """Open it."""
    open_way(cast(Flask, state.app), *ADDRESS, Way(buy, reading.MOST_BODY))
