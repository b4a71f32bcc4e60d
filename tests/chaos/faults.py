"""The catalogue of faults: what each does to an installation, and how often it comes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from .disk import WRITERS
from .installation import Installation
from .processes import kill, stop_postgres_at_once

SUPPLIERS = ("kakayun", "kasushou", "kayixin", "yile")
Act = Callable[[Installation, random.Random], int]


@dataclass(frozen=True)
class Fault:
    """`begin` and `end` return how much was hit. `every_s`: about so often; `lasts_s`: 0 = at once
    over. `kills`: processes of the product die of it."""

    name: str
    every_s: float
    begin: Act
    lasts_s: float = 0
    end: Act = lambda _shop, _source: 0
    kills: bool = False


def _kill(service: str) -> Act:
    return lambda shop, source: kill(shop.home, service, source)


def _flush(shop: Installation, _source: random.Random) -> int:
    with redis.Redis.from_url(shop.info["redis_url"]) as client:
        client.flushall()
    return 1


def _gateway(**levers: str) -> Act:
    def move(shop: Installation, _source: random.Random) -> int:
        shop.lever("epay/control/settings", **levers)
        return 1

    return move


def _lose_gateway_answers(shop: Installation, source: random.Random) -> int:
    when = source.choice(("before", "after"))  # in vain, or done and the answer is lost
    return _gateway(fail_percent="35", fail_when=when)(shop, source)


def _suppliers(**levers: str) -> Act:
    def move(shop: Installation, _source: random.Random) -> int:
        for name in SUPPLIERS:
            shop.lever(f"{name}/control/settings", **levers)
        return len(SUPPLIERS)

    return move


def _repeat_notices(shop: Installation, source: random.Random) -> int:
    """The gateway tells old news of paid orders once more, many times at once."""
    sql = "SELECT attempt_no FROM payment_attempt WHERE plugin_id = 'payment-epay' AND state = 'succeeded' ORDER BY id DESC LIMIT 200"
    numbers = [row[0] for row in shop.query(sql)]
    chosen = source.sample(numbers, min(8, len(numbers)))
    sent = 0
    for number in chosen:
        try:
            shop.lever(f"epay/control/out:{number}/notify", times="5")
            sent += 5
        except Exception as error:  # the wallets' first money is none that the gateway knows
            if "404" not in str(error):
                raise
    return sent


def possible(shop: Installation) -> tuple[Fault, ...]:
    """The catalogue for an installation: not every one has a clock that can jump."""
    return tuple(fault for fault in CATALOGUE if shop.clock or fault.name != CLOCK_JUMP)


def _jump(shop: Installation, source: random.Random) -> int:
    """Forward by up to five minutes, or a little back; how many seconds."""
    assert shop.clock is not None
    forward = source.random() < 0.6
    seconds = source.randint(20, 300) if forward else -source.randint(5, 45)
    shop.clock.jump(seconds)
    return seconds


def _fill_disk(shop: Installation, _source: random.Random) -> int:
    hit = shop.logs.fill()
    if not shop.logs.is_full():
        raise RuntimeError("the disk of the logs is not full")
    return hit


CLOCK_JUMP = "clock jump"
LOST = {"lie_html": "10", "lie_html_lost": "10", "lie_late_success": "10", "lie_silent": "10",
        "lie_truncated": "10"}  # fmt: skip
CATALOGUE = (
    *(Fault(f"kill -9 {name}", 50, _kill(name), kills=True) for name in WRITERS),
    Fault("PostgreSQL immediate stop", 100, lambda shop, _s: stop_postgres_at_once(shop.data)),
    Fault("kill -9 Valkey", 110, _kill("Valkey")),
    Fault("Valkey FLUSHALL", 90, _flush),
    Fault("kill -9 simulators", 150, _kill("simulators")),
    Fault("slow gateway", 100, _gateway(latency_ms="2500"), 8, _gateway(latency_ms="0")),
    Fault("lost gateway answers", 100, _lose_gateway_answers, 8, _gateway(fail_percent="0")),
    Fault("repeated gateway notices", 60, _repeat_notices),
    Fault("slow suppliers", 100, _suppliers(latency_ms="3000"), 8, _suppliers(latency_ms="0")),
    Fault("lost supplier answers", 100, _suppliers(**LOST), 8,
          _suppliers(**dict.fromkeys(LOST, "0"))),
    Fault("repeated and forged supplier notices", 100,
          _suppliers(callback_times="4", forged_callbacks="on"), 15,
          _suppliers(callback_times="1", forged_callbacks="off")),
    Fault(CLOCK_JUMP, 60, _jump),
    Fault("full log disk", 120, _fill_disk, 12, lambda shop, _s: shop.logs.free()),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A fault begins so many seconds after the start."""

    at_s: float
    fault: Fault


def plan(
    seconds: float, source: random.Random, catalogue: tuple[Fault, ...] = CATALOGUE
) -> list[Step]:
    """When what comes: each fault at least once and about every `every_s`; the seed decides."""
    steps = []
    for fault in catalogue:
        last = max(1.0, seconds - fault.lasts_s - 2)
        at = source.uniform(min(2.0, last), min(fault.every_s, last))
        while at <= last:
            steps.append(Step(at, fault))
            at += max(fault.lasts_s + 1, fault.every_s * source.uniform(0.8, 1.2))
    return sorted(steps, key=lambda step: step.at_s)


def everything_well(shop: Installation) -> None:
    """All levers stand as at first, and there is room on the disk."""
    source: Any = random.Random(0)
    for fault in CATALOGUE:
        if fault.lasts_s:
            fault.end(shop, source)
