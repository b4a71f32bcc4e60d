"""The processes of an installation, as `kameng up` runs them on one machine."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from kameng.ops.home import CHECKOUT
from kameng.ops.process import Service
from kameng.settings import Settings

# Jobs mostly wait for others (gateways, suppliers, mail): threads serve that, and each further
# process costs seconds of start on a small machine.
WORKER_PROCESSES, WORKER_THREADS = max(1, min(4, (os.cpu_count() or 1) // 2)), 8
SERVERS = GUNICORN, GRANIAN = "gunicorn", "granian"
_FOLDER = Path(__file__).parent


def application_folder() -> Path:
    """Folder of ``wsgi.py``, the composition root."""
    return CHECKOUT if (CHECKOUT / "wsgi.py").is_file() else Path.cwd()


def migrate_step(environ: Mapping[str, str]) -> Service:
    """Bring the database to the newest state; ends by itself."""
    return _python("migrate", ["-m", "kameng.cli", "migrate"], environ)


def seed_step(environ: Mapping[str, str]) -> Service:
    """Fill an empty demo; ends by itself."""
    return _python("seed", ["-m", "kameng.cli", "seed"], environ)


def web(settings: Settings, environ: Mapping[str, str], server: str = GUNICORN) -> Service:
    """The web server, one of `SERVERS`; ready when it answers /livez."""
    url = f"http://{_reachable(settings.bind)}:{settings.port}/livez"
    arguments = {
        GUNICORN: ["-m", "gunicorn", "-c", str(_FOLDER / "gunicorn_conf.py"), "wsgi:app"],
        GRANIAN: ["-m", "kameng.ops.granian_server"],
    }
    return _python("web", arguments[server], environ, url=url, host=settings.main_host)


def simulators(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The stand-ins of gateways and suppliers: one process, as their state is theirs alone."""
    address = f"{_reachable(settings.bind)}:{settings.port + 1}"
    conf = str(_FOLDER / "gunicorn_simulators.py")
    arguments = ["-m", "gunicorn", "-c", conf, "kameng.ops.simulators:create()"]
    return _python("simulators", arguments, environ, url=f"http://{address}/")


def worker(environ: Mapping[str, str]) -> Service:
    """The dramatiq workers."""
    arguments = [
        *("-m", "dramatiq", "kameng.worker"),
        *("--processes", str(WORKER_PROCESSES), "--threads", str(WORKER_THREADS)),
        *("--worker-shutdown-timeout", "15000"),
        # Until then the main process does not see that one of its workers has died at its start.
        *("--worker-fork-timeout", "1000"),
    ]
    return _python("worker", arguments, environ)


def scheduler(environ: Mapping[str, str]) -> Service:
    """The scheduler."""
    return _python("scheduler", ["-m", "kameng.cli", "scheduler"], environ)


def _python(
    name: str, arguments: list[str], environ: Mapping[str, str], *, url: str = "", host: str = ""
) -> Service:
    return Service(
        name=name,
        command=[sys.executable, *arguments],
        environ={"PYTHONUNBUFFERED": "1", **environ},
        cwd=application_folder(),
        ready=(lambda: _answers(url, host)) if url else (lambda: True),
    )


def _answers(url: str, host: str) -> bool:
    """Whether an HTTP server answers at all; a refusal in words is an answer too."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code < 500
    except OSError:
        return False


def _reachable(bind: str) -> str:
    """An address to ask a server that listens on `bind`."""
    return "127.0.0.1" if bind in ("0.0.0.0", "::", "") else bind


def child_environment(settings: Settings) -> dict[str, str]:
    """Variables every child gets on top of ours, beside addresses and secrets."""
    return {
        "KAMENG_HOME": str(settings.home),
        "KAMENG_DEMO": "1" if settings.demo else "0",
        "KAMENG_BIND": settings.bind,
        "KAMENG_PORT": str(settings.port),
        "KAMENG_PUBLIC_PORT": str(settings.public_port),
        "KAMENG_SIMULATOR_URL": settings.simulator_url,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
