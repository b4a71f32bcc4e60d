"""Every hook of Kameng, on one page. A plugin implements those of its kind with `hookimpl`.

Hooks register objects; the host calls the objects one at a time, with a deadline, outside any
transaction. An implementation may take fewer arguments than its hook. All since API 1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.health import HealthReport, ObservedEvent
from kameng_sdk.manifest import PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.risk import RiskRule
from kameng_sdk.simulators import Simulator, SimulatorEnvironment
from kameng_sdk.suppliers import Supplier

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "kameng"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def kameng_manifest() -> PluginManifest:  # type: ignore[empty-body]  # a specification has no body
    """Say who you are. Called once at discovery, in the starting thread; no I/O.

    Exactly one answer is needed; None quarantines the plugin. Since 1.0.
    """


@hookspec
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:  # type: ignore[empty-body]  # a specification has no body
    """Build the provider of one station's account: exactly one, with all its methods.

    Called by any thread when the station's configuration is first used or has changed; no I/O.
    Raise `Misconfigured` when it cannot work. None or an empty list: no provider. Since 1.0.
    """


@hookspec
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:  # type: ignore[empty-body]  # a specification has no body
    """Build the supplier of one account: exactly one.

    Called by any thread when the configuration is first used or has changed; no I/O.
    Raise `Misconfigured` when it cannot work. None or an empty list: no supplier. Since 1.0.
    """


@hookspec
def kameng_risk_rules(config: PluginConfig) -> Sequence[RiskRule]:  # type: ignore[empty-body]  # a specification has no body
    """Build the rules of one station. All run; the greatest decision counts.

    Called by any thread when the configuration is first used or has changed; no I/O.
    None or an empty list: no rules. Since 1.0.
    """


@hookspec
def kameng_check_config(  # type: ignore[empty-body]  # a specification has no body
    config: PluginConfig, context: CallContext
) -> Sequence[ConfigProblem]:
    """Try a configuration against the other side, without moving money.

    Called in a pool thread when staff press the test button; I/O through ``context.http``.
    None or an empty list: nothing is wrong. Since 1.0.
    """


@hookspec
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:  # type: ignore[empty-body]  # a specification has no body
    """Report how the other side fares for one station's account.

    Called by a job in a pool thread, never for a page; I/O through ``context.http``.
    None: nothing to report. Since 1.0.
    """


@hookspec
def kameng_observe(event: ObservedEvent) -> None:
    """Take note of something that is committed. Delivered at least once.

    Called in a worker thread; the answer is ignored and an error is only logged. Since 1.0.
    """


@hookspec
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:  # type: ignore[empty-body]  # a specification has no body
    """Give stand-ins of the other side for demo and tests.

    Called once when the simulator process starts; files only below ``environment.state_folder``.
    None or an empty list: none. Since 1.0.
    """
