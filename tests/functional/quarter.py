"""What the markets of a session share: the port of their gateways, and how they look when new.

To seed a market takes most of a second; the second one is a clone of the first.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from tests.conftest import Server, clone_database, drop_database
from werkzeug.serving import make_server

from kameng.settings import Settings

Seed = Callable[["psycopg.Connection[Any]"], Mapping[str, int]]


@dataclass
class Quarter:
    """One market at a time: its simulators answer on the port, whose number all settings name."""

    server: Server
    url: str
    memories: Path  # keys of simulators: to make them takes longer than all else
    answer: Any = None
    seeded: str = ""  # name of the database that is cloned
    skus: Mapping[str, int] | None = None

    @contextmanager
    def simulators(self, settings: Settings) -> Iterator[Settings]:
        """Simulators with a memory in the home of these settings; the settings that find them."""
        from kameng.ops import simulators
        from kameng.ops.home import find_home
        from kameng_sdk.simulators import close

        simulated = replace(settings, simulator_url=self.url)
        folder = find_home({"KAMENG_HOME": str(settings.home)}).simulators
        _copy_memories(self.memories, folder)
        loaded = simulators.load(simulated)
        _copy_memories(folder, self.memories)
        self.answer = simulators.mount(loaded)
        yield simulated
        for simulator in loaded.values():  # or each would look for notices to send until the end
            close(simulator)

    def furnish(self, database: str, seed: Seed) -> Mapping[str, int]:
        """Make an empty database a new market; ids of its SKUs by code."""
        name = urlsplit(database).path.lstrip("/")
        if self.skus is None:
            with psycopg.connect(database, autocommit=True) as owner:
                self.skus = seed(owner)
            self.seeded = clone_database(self.server, name)
        else:
            drop_database(self.server, name)
            clone_database(self.server, self.seeded, name)
        return self.skus

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """The simulators of the present market."""
        return self.answer(environ, start_response)


@contextmanager
def quarter_on(server: Server) -> Iterator[Quarter]:
    """A quarter with its port; its database is dropped afterwards."""
    with tempfile.TemporaryDirectory(prefix="kameng-simulators-") as folder:
        quarter = Quarter(server, "", Path(folder))
        http = make_server("127.0.0.1", 0, quarter.wsgi_app, threaded=True)
        quarter.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield quarter
        http.shutdown()
        http.server_close()
        if quarter.seeded:
            drop_database(server, quarter.seeded)


def _copy_memories(source: Path, target: Path) -> None:
    """What simulators remember, from where there is some to where there is none."""
    for path in source.glob("*/*.sqlite3"):
        copy = target / path.parent.name / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
                old.backup(new)
