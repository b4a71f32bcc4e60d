"""Pages of anonymous visitors that are drawn without Flask's dispatch and answer.

Routing, hooks and a response object cost a front page as much as its goods do. What a view and a
template ask of the request is there all the same: Flask's own context around it, filled by hand.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, g
from flask.ctx import RequestContext
from flask.globals import _cv_request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from kameng.db import station_scope
from kameng.stations import api as stations
from kameng.web.request_names import request_name
from kameng.web.sessions import SHOP_COOKIE, ServerSession
from kameng.web.short_way import Environ, station_of
from kameng.web.viewer import GUEST

log = logging.getLogger(__name__)
_EMPTY: ImmutableMultiDict[str, str] = ImmutableMultiDict()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page by its rule: `view` gives the text that Flask's view answers with, 200 and HTML."""

    rule: Rule
    view: Callable[[], str]


class _Context(RequestContext):
    """A request without a query whose rule is known; it looks for addresses when asked for one."""

    def __init__(self, app: Flask, environ: Environ, rule: Rule) -> None:
        self.app = app
        self.request = app.request_class(environ)
        self.request.json_module = app.json
        self.request.url_rule, self.request.view_args = rule, {}
        self.flashes = None
        # Nothing has to be taken apart to know that it is empty.
        self.request.args = _EMPTY
        if not environ.get("HTTP_COOKIE"):
            self.request.cookies = _EMPTY
        self._session = ServerSession(None, SHOP_COOKIE, self.request.host.lower())
        self._after_request_functions = []
        self._cv_tokens = []
        self._adapter: Any = None

    @property
    def url_adapter(self) -> Any:  # type: ignore[override]  # Flask makes one for each request
        """What `url_for` works with."""
        self._adapter = self._adapter or self.app.create_url_adapter(self.request)
        return self._adapter

    def push(self) -> None:
        """Inside the application's context that is there; nothing has to be matched."""
        self._cv_tokens.append((_cv_request.set(self), None))

    def pop(self, exc: BaseException | None = None) -> None:
        """Nothing was uploaded, so only what was asked to be called at the end is called."""
        if self.app.teardown_request_funcs:
            self.app.do_teardown_request(exc)
        _cv_request.reset(self._cv_tokens.pop()[0])
        self.request.environ["werkzeug.request"] = None  # else the two keep each other


class HostChanged(Exception):
    """The host is another station's by now, or its station reads otherwise."""


def station_for(environ: Environ) -> stations.StationInfo | None:
    """The station of the host for a page to be drawn; whose it was, where nobody knows any more.

    Then whoever draws must `settle_doubt` with what the database says, before anything is shown.
    """
    host = environ.get("HTTP_HOST", "")
    guessed = stations.guess_host(host)
    if guessed is None or not guessed.visible:
        return station_of(environ)
    g.host_in_doubt = stations.normalise_host(host)
    return guessed


def host_in_doubt() -> str | None:
    """The host that the request's station has only been guessed by."""
    found: str | None = g.get("host_in_doubt")
    return found


def settle_doubt(row: Sequence[Any] | None) -> None:
    """Compare with the station's row, as read for the host in doubt; raises `HostChanged`."""
    host = g.pop("host_in_doubt", None)
    if host is None:
        return
    learned = stations.learn_host(host, row)
    if learned != g.station:
        raise HostChanged
    g.station = learned  # the very one that the next visitor's page is compared with


def name_request(own: Any, environ: Environ, station: stations.StationInfo) -> None:
    """What Flask's way leaves in `g`, here without its proxy, before the hooks."""
    own.request_id = request_name(environ.get("HTTP_X_REQUEST_ID", ""))
    own.started, own.station, own.audience = time.monotonic(), station, "station"


def open_context(app: Flask, environ: Environ, drawing: Drawing) -> _Context:
    """The request around a drawing, for a guest; needs `name_request`."""
    g.viewer = GUEST
    return _Context(app, environ, drawing.rule)


def text_of(drawing: Drawing, station: stations.StationInfo) -> str | None:
    """The page's text in its station's scope. None: something is amiss, and Flask says what."""
    try:
        with station_scope(station.id):
            text = drawing.view()
            return None if host_in_doubt() else text
    except Exception as error:  # Flask draws it again and has handlers for each kind
        log.debug("not drawn the short way: %s", type(error).__name__)
        return None
