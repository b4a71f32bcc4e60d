"""`kameng up`: everything on one machine, from nothing to the addresses, and back to nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec

from kameng.ops import demo_info, postgres, servers, services, valkey
from kameng.ops.backup.spool import archiving
from kameng.ops.embedded import clear_postgres, postgres_service, valkey_service
from kameng.ops.errors import OpsError, Stopped
from kameng.ops.home import Home, find_home, only_one
from kameng.ops.ports import check_port
from kameng.ops.postgres import Postgres
from kameng.ops.process import RUN_MARK, Service, kill_all, left_over
from kameng.ops.runtime import forget_running, write_running
from kameng.ops.secret_files import ensure_secrets, secret_variables
from kameng.ops.supervisor import Supervisor
from kameng.settings import Settings, load_settings
from kameng.web.assets_manifest import assets_built

UNDERSCORES = (
    "granian takes X_Forwarded_For for X-Forwarded-For: make sure that your proxy drops headers"
    " with an underscore in their name (nginx does)"
)


@dataclass(frozen=True, slots=True)
class Start:
    """One start: the folder, the settings, and the variables the children get."""

    home: Home
    settings: Settings
    environ: Mapping[str, str]

    def with_addresses(self, **urls: str) -> Start:
        """The same start, knowing where the servers are."""
        given = {f"KAMENG_{name.upper()}": url for name, url in urls.items()}
        settings = replace(self.settings, **urls)  # type: ignore[arg-type]  # both are str fields
        return Start(self.home, settings, {**self.environ, **given})


class Narrator:
    """Progress lines with the time since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        # A closed terminal must not keep us from stopping the servers.
        with suppress(OSError):
            print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)


def up(environ: Mapping[str, str], server: str = services.GUNICORN) -> int:
    """Run everything until a signal comes; returns the exit code. Raises `OpsError` before it.

    `server`: the web server, one of `services.SERVERS`.
    """
    _check_server(server)
    home = find_home(environ)
    home.create()
    narrator = Narrator()
    with only_one(home):
        start = prepare(home, environ)
        _clear(home, narrator)
        supervisor = Supervisor(home.logs, narrator.say)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.on_signal)
        try:
            _run(start, supervisor, narrator, server)
        except Stopped:
            pass
        finally:
            narrator.say("stopping")
            supervisor.stop()
            kill_all(left_over(home.root))
            forget_running(home)
            narrator.say("stopped")
    return 0


def prepare(home: Home, environ: Mapping[str, str]) -> Start:
    """Settings and child variables of a start; makes the secrets the first time."""
    env = {"KAMENG_DEMO": "1", **environ, "KAMENG_HOME": str(home.root)}
    ensure_secrets(home, env)
    secrets = secret_variables(home, env)
    settings = load_settings({**env, **secrets})
    settings = replace(
        settings,
        public_port=settings.public_port if "KAMENG_PUBLIC_PORT" in env else settings.port,
        simulator_url=settings.simulator_url
        or (f"http://127.0.0.1:{settings.port + 1}" if settings.demo else ""),
    )
    check_port(settings.bind, settings.port, "web")
    if settings.demo:
        check_port(settings.bind, settings.port + 1, "simulators")
    if not assets_built():
        raise OpsError("The front-end assets are not built.", "Run `make install` once.")
    if not (services.application_folder() / "wsgi.py").is_file():
        raise OpsError("wsgi.py was not found.", "Run `kameng up` in the folder of the checkout.")
    mark = {RUN_MARK: str(home.root)}
    return Start(home, settings, {**services.child_environment(settings), **secrets, **mark})


def _clear(home: Home, narrator: Narrator) -> None:
    """End what an earlier run left when it was killed: it got a signal and may still be busy."""
    end = time.monotonic() + 15
    while (found := left_over(home.root)) and time.monotonic() < end:
        time.sleep(0.2)
    if found:
        narrator.say(f"ending {len(found)} processes of an earlier run")
        kill_all(found)
    forget_running(home)


def _check_server(server: str) -> None:
    if server == services.GRANIAN and find_spec("granian") is None:
        raise OpsError("granian is not installed.", "Install it: `pip install 'kameng[granian]'`.")


def _run(start: Start, supervisor: Supervisor, narrator: Narrator, server: str) -> None:
    start = _databases(start, supervisor, narrator)
    write_running(start.home, _for_other_shells(start))
    settings, environ = start.settings, start.environ
    supervisor.run_step(services.migrate_step(environ))
    narrator.say("database is at the newest state")
    application = [
        services.web(settings, environ, server),
        services.worker(environ),
        services.scheduler(environ),
    ]
    if settings.demo:
        simulators = services.simulators(settings, environ)
        if demo_info.seed_state(start.home, settings.database_url) == "done":
            application.append(simulators)
        else:
            supervisor.start(simulators)
            _seed(start, supervisor, narrator)
    supervisor.start_all(application)
    narrator.say("web, worker and scheduler run" + ", simulators too" * settings.demo)
    if server == services.GRANIAN and settings.trusted_proxies:
        narrator.say(UNDERSCORES)
    _announce(start, narrator)
    supervisor.watch()


def _databases(start: Start, supervisor: Supervisor, narrator: Narrator) -> Start:
    """Use the operator's servers, or start the embedded ones side by side."""
    begin: list[Service] = []
    urls: dict[str, str] = {}
    server = cache = None
    if start.settings.database_url:
        narrator.say(servers.check_postgres(start.settings.database_url) + " (yours)")
    else:
        server = postgres.locate(start.home)
        if server.prepare():
            narrator.say(f"PostgreSQL was set up in {server.folder}")
        clear_postgres(server)
        urls["database_url"] = server.url()
        begin.append(postgres_service(server, **archiving(server)))
    if start.settings.redis_url:
        narrator.say(servers.check_redis(start.settings.redis_url) + " (yours)")
    else:
        cache = valkey.locate(start.home)
        urls["redis_url"] = cache.url
        begin.append(valkey_service(cache))
    supervisor.start_all(begin)
    if server:
        _ready_database(start.home, server, narrator)
    if begin:
        names = " and ".join(n for n, s in (("PostgreSQL 18", server), ("Valkey 9", cache)) if s)
        narrator.say(f"{names} run")
    return start.with_addresses(**urls)


def _ready_database(home: Home, server: Postgres, narrator: Narrator) -> None:
    server.ensure_database()
    if demo_info.seed_state(home, server.url()) == "started":
        narrator.say("the first filling of the demo was interrupted: starting it over")
        server.drop_database()
        server.ensure_database()


def _seed(start: Start, supervisor: Supervisor, narrator: Narrator) -> None:
    url = start.settings.database_url
    narrator.say("filling the demo (first start only)")
    demo_info.note_seed(start.home, url, "started")
    supervisor.run_step(services.seed_step(start.environ))
    demo_info.note_seed(start.home, url, "done")
    narrator.say("demo data is there")


def _for_other_shells(start: Start) -> dict[str, str]:
    keep = {k: v for k, v in start.environ.items() if k.startswith("KAMENG_")}
    keep.update({k: v for k, v in os.environ.items() if k.startswith("KAMENG_") and k not in keep})
    keep["KAMENG_DATABASE_URL"] = start.settings.database_url
    keep["KAMENG_REDIS_URL"] = start.settings.redis_url
    keep.pop(RUN_MARK, None)
    secret = ("KAMENG_SECRET_KEY", "KAMENG_MASTER_KEY", "KAMENG_BACKUP_KEY")
    return {k: v for k, v in keep.items() if k not in secret}


def _announce(start: Start, narrator: Narrator) -> None:
    settings = start.settings
    narrator.say("ready")
    print(f"\n  main station   {settings.host_url(settings.main_host)}/")
    print(f"  console        {settings.host_url(settings.main_host)}/admin/")
    if settings.demo:
        for line in demo_info.lines(start.home, settings):
            print(f"  {line}")
    print(f"\n  logs in {start.home.logs}/ · stop with Ctrl-C\n", flush=True)
