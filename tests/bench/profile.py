"""Where a request's CPU time goes: one thread, the WSGI application alone, no web server.

Four looks at the same requests, none of which disturbs another: the whole request (process time,
nothing wrapped), its parts (wrapped functions, each without what it calls of other parts), samples
by package (the kernel's CPU timer), and functions by own time (cProfile, on request). Waiting for
PostgreSQL and Redis is no CPU time of ours and is not in it. Any raw HTTP request will do.
"""

from __future__ import annotations

import cProfile
import importlib
import io
import pstats
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any
from urllib.parse import unquote

from flask import Flask
from tests.bench import inside, purchases
from tests.bench.fixture import Wanted, fill, settle
from tests.bench.pgbench import BenchBroken
from tests.bench.servers import Installation
from wsgi import build

BATCH, WARM = 50, 1_000  # WARM: until processes remember what they remember
REQUESTS_PER_S = 2_500  # more than one thread can answer
# label, where the function is defined. A part's time is without that of parts inside it.
PARTS = (
    ("routing, contexts, the rest of Flask", "kameng.web.dispatch:KamengFlask.wsgi_app"),
    ("scope of the host's station", "kameng.web.dispatch:_enter_station"),
    ("hooks before", "flask:Flask.preprocess_request"),
    ("hooks after", "flask:Flask.process_response"),
    ("session of the browser", "kameng.web.sessions:RedisSessions.open_session"),
    ("session of the browser", "kameng.web.sessions:RedisSessions.save_session"),
    ("the view itself", "flask:Flask.dispatch_request"),
    ("answer", "kameng.openapi.views.answering:answer"),
    ("answer", "kameng.openapi.views.answering:order_of"),
    ("answer", "flask:Flask.make_response"),
    ("log line", "logging:Logger.handle"),
    ("headers and signature", "kameng.openapi.views.proof:prove"),
    ("headers and signature", "kameng.signing:signature"),
    ("key and secrets", "kameng.openapi.services.callers:open_key"),
    ("reading the body", "kameng.openapi.views.reading:wanted"),
    ("gate: limit, nonce, risk", "kameng.openapi.services.callers:admit"),
    ("gate: limit, nonce, risk", "kameng.openapi.services.gate:ask"),
    ("redis-py", "redis:Redis.execute_command"),
    ("redis-py", "redis.client:Pipeline.execute"),
    ("use case", "kameng.openapi.services.buying:admit_and_buy"),
    ("use case", "kameng.openapi.services.buying:buy"),
    ("guarded call: wrapper and pool", "kameng.db.guarded:call"),
    ("psycopg", "psycopg:Cursor.execute"),
    ("psycopg", "psycopg:Cursor.fetchone"),
    ("SQLAlchemy", "sqlalchemy.orm:Session.execute"),
    ("SQLAlchemy", "sqlalchemy.orm:Session.scalars"),
    ("SQLAlchemy", "sqlalchemy.orm:Session.scalar"),
    ("SQLAlchemy", "sqlalchemy.orm:Session.get"),
    ("SQLAlchemy", "sqlalchemy.orm:Session.commit"),
    ("decrypting", "kameng.stock.domain.vault:open_card"),
)

Wsgi = Callable[..., Any]
Environ = dict[str, Any]


def run(found: Installation, seconds: float, *, with_functions: bool = False) -> int:
    """Profile signed purchases on a fresh installation; prints, and returns the exit code."""
    app = build(found.settings)
    fixture = fill(app, found.owner_url, Wanted(int(seconds * REQUESTS_PER_S * 5) + WARM, 100))

    def make(count: int) -> list[Environ]:
        return [environ_of(raw) for raw in purchases.spread(fixture, count)]

    count = int(seconds * REQUESTS_PER_S / 5)
    show(
        app, make, count, settle_down=lambda: settle(found.owner_url), with_functions=with_functions
    )
    inside.show(found, fixture, count)
    return 0


def show(
    app: Wsgi, make: Callable[[int], list[Environ]], count: int, *,
    settle_down: Callable[[], None] = lambda: None, with_functions: bool = False,
) -> None:  # fmt: skip
    """Print all looks at such requests; `make` gives fresh ones, as a nonce works once."""
    answers = Counter(answer(app, environ) for environ in make(WARM))
    print("answers:", dict(answers))
    settle_down()
    _best, bare = whole(_bare_flask(), make(count))
    best, median = whole(app, make(count))
    print(
        f"whole request: {median:.0f} us (best of batches {best:.0f}); bare Flask: {bare:.0f} us\n"
    )
    parts = timed_parts(app, make(count))
    for label, (calls, micros) in sorted(parts.items(), key=lambda item: -item[1][1]):
        print(f"  {micros:7.1f} us  {calls:5.1f} calls  {label}")
    print(f"  {sum(micros for _calls, micros in parts.values()):7.1f} us  together, as wrapped\n")
    for package, share in sampled(app, make(2 * count)):
        print(f"  {share * median:7.1f} us  {share:6.1%}  {package}")
    if with_functions:
        print_functions(app, make(count))


def _bare_flask() -> Flask:
    """The same requests, answered at once: what Flask costs on this machine at this moment."""
    app = Flask("bare")
    app.add_url_rule("/<path:_path>", "hello", lambda _path: "hello", methods=["GET", "POST"])
    return app


def environ_of(raw: bytes) -> Environ:
    """A raw HTTP request as a web server hands it over."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ")
    path, _, query = target.partition("?")
    environ: Environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query, "RAW_URI": target, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    for line in lines:
        name, _, value = line.partition(":")
        key = name.upper().replace("-", "_")
        plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        environ[key if plain else f"HTTP_{key}"] = value.strip()
    return environ


def answer(app: Wsgi, environ: Environ) -> str:
    """Serve one request to its end; the status line."""
    status: list[str] = []
    body = app(environ, lambda line, _headers, _error=None: status.append(line))
    try:
        for _part in body:
            pass
    finally:
        if hasattr(body, "close"):
            body.close()
    return status[0]


def whole(app: Wsgi, environs: Sequence[Environ]) -> tuple[float, float]:
    """(best, median) of the batches: microseconds of CPU a request, nothing wrapped."""
    times = []
    for at in range(0, len(environs) - BATCH + 1, BATCH):
        began = time.process_time_ns()
        for environ in environs[at : at + BATCH]:
            answer(app, environ)
        times.append((time.process_time_ns() - began) / BATCH / 1000)
    if not times:
        raise BenchBroken(f"a profile needs {BATCH} requests")
    return min(times), statistics.median(times)


def timed_parts(app: Wsgi, environs: Sequence[Environ]) -> dict[str, tuple[float, float]]:
    """(calls, microseconds) a request by part."""
    clock = PartClock()
    with ExitStack() as wrapped:
        for label, place in PARTS:
            if not wrapped.enter_context(_wrapped(place, label, clock)):
                print(f"  (not there: {place})")
        for environ in environs:
            answer(app, environ)
    count = len(environs)
    return {
        label: (clock.calls[label] / count, clock.micros[label] / count) for label in clock.calls
    }


class PartClock:
    """Time by part, each without the parts inside it."""

    def __init__(self, now_ns: Callable[[], int] = time.process_time_ns) -> None:
        self._now_ns = now_ns
        self._inside: list[int] = []  # of each open part: time spent in parts below it
        self.micros: Counter[str] = Counter()  # type: ignore[assignment]  # floats, not counts
        self.calls: Counter[str] = Counter()

    def around(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **options: Any) -> Any:
            self._inside.append(0)
            began = self._now_ns()
            try:
                return function(*args, **options)
            finally:
                took = self._now_ns() - began
                below = self._inside.pop()
                self.calls[label] += 1
                self.micros[label] += (took - below) / 1000
                if self._inside:
                    self._inside[-1] += took

        return timed


@contextmanager
def _wrapped(place: str, label: str, clock: PartClock) -> Iterator[bool]:
    """Put the clock around a function wherever it was imported to; whether it exists."""
    module_name, _, path = place.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = importlib.import_module(module_name)
        for one in owners:
            owner = getattr(owner, one)
        original = getattr(owner, name)
    except (ImportError, AttributeError):
        yield False
        return
    timed = clock.around(label, original)
    homes = [owner] if owners else _homes(original)
    own = {id(home): vars(home).get(name) for home in homes}
    for home in homes:
        setattr(home, name, timed)
    try:
        yield True
    finally:
        for home in homes:
            if own[id(home)] is None:
                delattr(home, name)  # it was inherited
            else:
                setattr(home, name, original)


def _homes(function: Any) -> list[Any]:
    """Modules that know a function by its own name."""
    name = function.__name__
    return [one for one in list(sys.modules.values()) if getattr(one, name, None) is function]


def sampled(app: Wsgi, environs: Sequence[Environ], most: int = 25) -> list[tuple[str, float]]:
    """Share of CPU time by package, from a timer that counts our CPU time alone."""
    seen: Counter[str] = Counter()

    def look(_number: int, frame: FrameType | None) -> None:
        seen[_package(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    try:
        for environ in environs:
            answer(app, environ)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    total = max(1, seen.total())
    return [(package, count / total) for package, count in seen.most_common(most)]


def _package(frame: FrameType | None) -> str:
    """Two names of the innermost module: `kameng.web`, `redis.connection`."""
    name = frame.f_globals.get("__name__", "?") if frame else "?"
    return ".".join(str(name).split(".")[:2])


def print_functions(app: Wsgi, environs: Sequence[Environ], most: int = 45) -> None:
    """Functions by own time, from cProfile: it makes small functions look dear."""
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for environ in environs:
        answer(app, environ)
    profiler.disable()
    print(f"\n{len(environs)} requests under cProfile")
    found = pstats.Stats(profiler)
    found.sort_stats("tottime").print_stats(most)
    found.sort_stats("cumtime").print_stats("kameng", most)
