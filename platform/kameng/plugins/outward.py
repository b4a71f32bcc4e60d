"""The way out for the core's own calls to addresses that strangers have given."""

from __future__ import annotations

from kameng.plugins.addresses import judge_url
from kameng.plugins.host import simulator_address
from kameng.plugins.http import GuardedClient
from kameng.plugins.invoke import SystemClock, refuse_transaction
from kameng.runtime import current_settings


def outward_client(step: str, seconds: float) -> GuardedClient:
    """A guarded client that ends after ``seconds``; needs an app context.

    Raises `InTransaction` when the open scope holds one: its rows would stay locked.
    """
    refuse_transaction("core", step)
    clock = SystemClock()
    return GuardedClient(
        deadline=clock.monotonic() + seconds, clock=clock,
        exempt=simulator_address(current_settings()),
    )  # fmt: skip


def judge_address(url: str) -> None:
    """Refuse what can never be reached, without asking a name server.

    Raises `HttpAddressRefused`; needs an app context, for a demo's simulators may be reached.
    """
    judge_url(url, simulator_address(current_settings()))
