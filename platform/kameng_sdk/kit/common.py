"""Contract checks that suppliers and payment providers share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import CapabilityNotSupported, HttpOutcomeUnknown, Misconfigured
from kameng_sdk.health import HealthReport
from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.calls import GRACE_S, Said, Way
from kameng_sdk.kit.checks import TRADING, NotApplicable, Suite, require
from kameng_sdk.kit.clients import Shut, Slow
from kameng_sdk.kit.shapes import misfits
from kameng_sdk.testing.calls import DirectHttp

CROWD = 8
SHORTEST_SECRET = 4

common: Suite[Bench] = Suite("contract", TRADING)
steady: Suite[Bench] = Suite("contract", TRADING)


@common.check(
    "simulator", "It brings a simulator of its other side, whose demo settings fit the form."
)
def _simulator(bench: Bench) -> None:
    require(not bench.trouble, bench.trouble)
    if bench.simulator is None:
        raise NotApplicable("it has no other side: nothing is needed to try it")
    short = bench.manifest.id.partition("-")[2]
    name = bench.simulator.name
    same = name.replace("_", "-") == short
    require(same, f"the simulator is called {name!r}, the plugin {short!r}")
    known = {field.name for field in bench.manifest.config_fields}
    strange = set(bench.simulator.demo_config()) - known
    require(not strange, "demo settings that the form does not have: " + ", ".join(sorted(strange)))


@common.check(
    "configuration", "Without its required settings it raises Misconfigured and sends nothing."
)
def _configuration(bench: Bench) -> None:
    fields = bench.manifest.config_fields
    if not any(field.required and field.default is None for field in fields):
        raise NotApplicable("no setting is required")
    empty = PluginConfig({field.name: None for field in fields})
    said = bench.say("build", object, lambda ctx: bench.build_all(empty), Way(http=Shut()))
    require(isinstance(said.error, Misconfigured), said.words())


@steady.check(
    "constant", "Capabilities and rules are the same each time, and for two objects of one account."
)
def _constant(bench: Bench) -> None:
    first, second = bench.subject(), bench.build()
    for name in ("capabilities", "rules"):
        if hasattr(first, name):
            told = [getattr(one, name) for one in (first, first, second, first)]
            require(all(found == told[0] for found in told), f"{name} change from call to call")


@steady.check("health", "Its tests of settings and health find nothing wrong with the demo.")
def _health(bench: Bench) -> None:
    bench.subject()
    hook, config = bench.specimen.manager.hook, bench.config
    tried = hook.kameng_check_config.get_hookimpls() or hook.kameng_health.get_hookimpls()
    if not tried:
        raise NotApplicable("it has neither kameng_check_config nor kameng_health")
    said = bench.say(
        "check_config", list, lambda ctx: hook.kameng_check_config(config=config, context=ctx)
    )
    require(said.error is None and not said.late, said.words())
    problems = [problem for answer in _lists(said.value) for problem in answer]
    require(not problems, f"finds faults with the demo settings: {problems}"[:300])
    said = bench.say("health", list, lambda ctx: hook.kameng_health(config=config, context=ctx))
    require(said.error is None and not said.late, said.words())
    odd = [report for report in _lists(said.value) if type(report) is not HealthReport]
    require(not odd, "kameng_health gives no HealthReport")


def refuses_undeclared(bench: Bench, calls: Iterable[tuple[Any, str, Any]]) -> None:
    """Each (capability, name, code) that is not declared must be refused without any I/O."""
    declared = bench.subject().capabilities
    left = [(name, code) for capability, name, code in calls if not capability & declared]
    if not left:
        raise NotApplicable("it declares everything")
    for name, code in left:
        said = bench.say(name, object, code, Way(http=Shut()))
        require(isinstance(said.error, CapabilityNotSupported), f"not declared, and {said.words()}")
        require(not said.asked, f"{name} is not declared, and it sent something")


def keeps_deadlines(bench: Bench, calls: Iterable[tuple[str, Any]], seconds: float = 1.0) -> None:
    """With an other side that does not answer, each call ends when its time is over."""
    for name, code in calls:
        way = Way(seconds=seconds, fault=_silence)
        start = time.monotonic()
        said = bench.say(name, object, code, way)
        took = time.monotonic() - start
        require(not said.late, f"{name} was still running {took:.1f} s after its start")
        require(took < seconds + GRACE_S, f"{name} took {took:.1f} s of {seconds:g} s")


def _silence(_asked: Any, _send: Any) -> Any:
    threading.Event().wait(0.1)
    raise HttpOutcomeUnknown("no answer")


def in_crowd(bench: Bench, step: str, promised: Any, codes: dict[str, Any]) -> dict[str, Said]:
    """All calls at once, by number; fails when one call's request names another call's number."""
    said: dict[str, Said] = {}
    start = threading.Barrier(len(codes))

    def one(number: str, code: Callable[[Any], object]) -> None:
        start.wait(10)
        said[number] = bench.say(step, promised, code, Way(http=Slow(DirectHttp())))

    threads = [
        threading.Thread(target=one, args=(n, code), daemon=True) for n, code in codes.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number, found in said.items():
        mixed = [n for n in codes if n != number and any(a.names(n) for a in found.asked)]
        require(not mixed, f"the call for {number} sent the number of another call")
    return said


def answers_fit(bench: Bench) -> None:
    """Every answer of the journal is of the SDK's very types."""
    seen = False
    for said, promised in bench.journal:
        if said.error is None and not said.late and promised is not object:
            seen = True
            wrong = list(misfits(said.value, promised))
            require(not wrong, f"{said.step}: " + "; ".join(wrong[:3]))
    if not seen:
        raise NotApplicable("no call gave an answer")


def keeps_secrets(bench: Bench, codes: Iterable[str]) -> None:
    """No setting's secret and no code stands in a message, an error, a log line or a repr."""
    hidden = [text for text in (*bench.secrets(), *codes) if len(text) >= SHORTEST_SECRET]
    if not hidden:
        raise NotApplicable("it has no secrets and delivered no codes")
    shown = [("repr of the object", repr(bench.subject()) + repr(_state(bench.subject())))]
    for said, _promised in bench.journal:
        shown.append((f"{said.step}: its answer", repr(said.value)))
        shown.append((f"{said.step}: its error", repr(said.error) + str(said.error)))
        shown += [(f"{said.step}: its log", line) for line in said.logged]
    for where, text in shown:
        require(not any(secret in text for secret in hidden), f"{where} shows a secret")


def uses_the_client(bench: Bench) -> None:
    """No call opened a connection of its own."""
    past = [(said.step, said.bypassed) for said, _ in bench.journal if said.bypassed]
    require(not past, "; ".join(f"{step} connected to {to[0]}" for step, to in past[:3]))


def _state(built: object) -> object:
    # What pytest, a debugger or an error reporter would print of it.
    return getattr(built, "__dict__", "")


def _lists(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
