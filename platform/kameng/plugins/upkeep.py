"""What is not a sale: the test button, health reports, observers and simulators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kameng.plugins.bound import (
    MOST_MESSAGE,
    CodeFailed,
    expect,
    expect_list,
    expect_text,
    run_quietly,
)
from kameng.plugins.building import line_of
from kameng.plugins.discovery import Plugin
from kameng.plugins.effective import Effective
from kameng.plugins.host import PluginUnavailable, current_host
from kameng.plugins.invoke import Line, hide, new_context, refuse_transaction
from kameng.plugins.sealing import SealBroken
from kameng.plugins.store import MAIN_STATION, enabled_accounts, write_health
from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.health import HealthReport, HealthStatus, ObservedEvent
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

T = TypeVar("T")

CHECK_S = 10.0
OBSERVE_S = 5.0
SIMULATORS_S = 20.0
MOST_PROBLEMS = 50
MOST_FACTS = 50
MOST_NAME = 60


def check_config(station_id: int, plugin_id: str, account: str = "") -> list[ConfigProblem]:
    """Try the settings against the other side; an empty list means nothing is wrong.

    Uses the network: call it outside a transaction. Raises `PluginUnavailable`.
    """
    plugin, settings, config = _prepared(station_id, plugin_id, account)
    missing = [ConfigProblem(field=name, message="required") for name in settings.missing()]
    if missing:
        return missing
    line = line_of(plugin, config, current_host().exempt)
    try:
        answers = _with_context(plugin, "kameng_check_config", config, line)
        return [problem for answer in answers for problem in _problems(answer, line)]
    except (CodeFailed, ValueError) as error:
        return [ConfigProblem(field="", message=str(error))]


def run_health(station_id: int, plugin_id: str, account: str = "") -> HealthReport | None:
    """Ask a plugin how its other side fares and keep the report; None when it does not say.

    Uses the network: call it from a job. Raises `PluginUnavailable`.
    """
    plugin, settings, config = _prepared(station_id, plugin_id, account)
    try:
        current_host().objects(plugin, settings, object)
    except PluginUnavailable as error:  # noted by the host, more precisely than a report could
        return HealthReport(status=HealthStatus.DOWN, message=error.reason)
    line = line_of(plugin, config, current_host().exempt)
    try:
        answers = _with_context(plugin, "kameng_health", config, line)
        if not answers:
            return None
        report = _clean_report(answers[0], line)
    except (CodeFailed, ValueError) as error:
        report = HealthReport(status=HealthStatus.DOWN, message=str(error))
    kept = {"status": report.status.value, "message": report.message, "facts": dict(report.facts)}
    if settings.account is not None:
        write_health(settings.account.station_id, plugin_id, kept, settings.account_name)
    return report


def run_all_health() -> int:
    """Ask for every account that is switched on, each once; returns how many reported."""
    reported = 0
    for station_id, plugin_id, account in enabled_accounts():
        plugin = current_host().plugins.get(plugin_id)
        if plugin is not None and _implements(plugin, "kameng_health"):
            reported += run_health(station_id, plugin_id, account) is not None
    return reported


def observe(event: ObservedEvent) -> None:
    """Tell every plugin that is on at the main station; failures are logged, never raised."""
    for plugin, settings in current_host().all_settings(MAIN_STATION):
        if settings.enabled and _implements(plugin, "kameng_observe"):
            try:
                _run(plugin, "kameng_observe", OBSERVE_S, event=event)
            except CodeFailed:
                continue  # logged where it happened


def simulators(environment: SimulatorEnvironment) -> list[tuple[str, Simulator]]:
    """All stand-ins with the id of the plugin that brings them, sorted by plugin."""
    found: list[tuple[str, Simulator]] = []
    for plugin in current_host().plugins.values():
        if plugin.manager is not None and _implements(plugin, "kameng_simulators"):
            try:
                answers = _run(plugin, "kameng_simulators", SIMULATORS_S, environment=environment)
            except CodeFailed:
                continue  # logged where it happened
            found += [(plugin.id, simulator) for answer in answers for simulator in answer]
    return found


def _problems(answer: Any, line: Line) -> list[ConfigProblem]:
    expect_list(answer, ConfigProblem, MOST_PROBLEMS)
    for problem in answer:
        expect_text(problem.field, MOST_NAME)
        expect_text(problem.message, MOST_MESSAGE)
    return [
        ConfigProblem(field=hide(p.field, line.secrets), message=hide(p.message, line.secrets))
        for p in answer
    ]


def _clean_report(report: Any, line: Line) -> HealthReport:
    """The same without secrets, its facts too; raises `ValueError` when it is no report."""
    expect(report, HealthReport)
    expect(report.status, HealthStatus)
    expect_text(report.message, MOST_MESSAGE)
    expect(report.facts, dict)
    if len(report.facts) > MOST_FACTS:
        raise ValueError("more facts than anybody reads")
    for text in (*report.facts, *report.facts.values()):
        expect_text(text, MOST_MESSAGE)
    facts = {
        hide(name, line.secrets): hide(value, line.secrets) for name, value in report.facts.items()
    }
    message = hide(report.message, line.secrets)
    return HealthReport(status=report.status, message=message, facts=facts)


def _prepared(
    station_id: int, plugin_id: str, account: str
) -> tuple[Plugin, Effective, PluginConfig]:
    refuse_transaction(plugin_id, "check")
    host = current_host()
    plugin, _manifest = host.sound(plugin_id)
    settings = host.settings_of(station_id, plugin_id, account)
    try:
        return plugin, settings, settings.config(host.sealer)
    except SealBroken:
        return plugin, settings, PluginConfig()


def _with_context(plugin: Plugin, hook: str, config: PluginConfig, line: Line) -> list[Any]:
    context, _http = new_context(line, CHECK_S)
    return _run(plugin, hook, CHECK_S, line=line, config=config, context=context)


def _run(
    plugin: Plugin, hook: str, seconds: float, *, line: Line | None = None, **given: object
) -> list[Any]:
    way = line or Line(plugin_id=plugin.id, slots=plugin.slots)
    call: Callable[..., list[Any]] = getattr(plugin.manager.hook, hook)  # type: ignore[union-attr]  # only loaded plugins come here
    return run_quietly(way, hook, lambda: call(**given), seconds)


def _implements(plugin: Plugin, hook: str) -> bool:
    manager = plugin.manager
    return manager is not None and bool(getattr(manager.hook, hook).get_hookimpls())
