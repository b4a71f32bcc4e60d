"""Further sites beside the first: each a database and a Redis database of its own on the same servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import psycopg
from flask import Flask
from tests.bench.servers import Installation
from wsgi import build

from kameng.db import db
from kameng.db.migrate import migrate
from kameng.ops import services
from kameng.ops.process import Service
from kameng.settings import Settings

GUNICORN, GRANIAN = services.SERVERS


@dataclass(frozen=True)
class Site:
    """An installation of the product; `number` chooses its port and its Redis database."""

    installation: Installation
    settings: Settings
    environ: Mapping[str, str]

    @property
    def address(self) -> tuple[str, int]:
        """Where its web processes listen."""
        return self.settings.bind, self.settings.port

    @property
    def owner_url(self) -> str:
        """The owner's address of its database."""
        return self.settings.database_url

    def app(self) -> Flask:
        """The product on this site, in this process."""
        return build(self.settings)

    def leave(self, app: Flask) -> None:
        """Close the connections of an application made here: nobody may be connected to a source."""
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()

    def start_web(
        self, server: str = GUNICORN, *, application: str = "", words: tuple[str, ...] = ()
    ) -> None:
        """A web server as `kameng up` starts it; with another WSGI application or more words."""
        service = services.web(self.settings, self.environ, server)
        command = [*service.command[:-1], *words, application or service.command[-1]]
        self.start(replace(service, name=f"web-{self.settings.port}", command=command))

    def start(self, service: Service) -> None:
        """Run it until the installation ends."""
        self.installation.supervisor.start(service)


def first(installation: Installation) -> Site:
    """The site that the installation has from the start."""
    return Site(installation, installation.settings, installation.environ)


def beside(site: Site, port: int) -> Site:
    """The same site once more, at another port: `port` counts from the installation's."""
    settings = replace(site.settings, port=site.installation.settings.port + port)
    return Site(site.installation, settings, {**site.environ, "KAMENG_PORT": str(settings.port)})


def further(installation: Installation, name: str, number: int, source: str = "") -> Site:
    """A new site: an empty database, or a copy of `source`'s, to which nobody is connected."""
    server = installation.postgres
    with psycopg.connect(server.url("postgres"), autocommit=True) as owner:
        copied = f" TEMPLATE {source} STRATEGY file_copy" if source else ""
        owner.execute(f"CREATE DATABASE {name}{copied}".encode())
    urls = {
        "database_url": server.url(name),
        "redis_url": installation.settings.redis_url.replace("db=0", f"db={number}"),
    }
    port = installation.settings.port + number
    settings = replace(installation.settings, port=port, **urls)
    if not source:
        migrate(settings)
    given = {f"KAMENG_{key.upper()}": value for key, value in urls.items()}
    return Site(installation, settings, {**installation.environ, **given, "KAMENG_PORT": str(port)})
