"""Pages that all anonymous visitors see alike: kept three seconds, answered before Flask begins.

A page is kept when its view says so (`kept`), when the visitor has sent nothing that tells one
visitor from another, and when nothing in it is anybody's own. What must be fresh in each answer
(nonce, request id, form tokens) is cut out of the bytes and put in anew. Whatever else comes is
Flask's, and what is kept reads as Flask's answer; the tests compare the two. A front page is drawn
without Flask too (`drawn_pages`). A page that is asked for again when its time is over is drawn by
one process for all (`shared_pages`).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.wsgi import get_host

from kameng import chance
from kameng.errors import TooMany
from kameng.stations import api as stations
from kameng.web import access_log, csrf, limits, metrics, shared_pages
from kameng.web.drawn_pages import Drawing, name_request, open_context, station_for, text_of
from kameng.web.headers import of_page
from kameng.web.sessions import current_session
from kameng.web.short_way import STATUS_LINES, Environ, station_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

V = TypeVar("V", bound=Callable[..., Any])
EXTENSION = "kameng.kept_pages"
DRAFT = "kameng.page_draft"
FRESH_S = 3.0
GRACE_S = 1.0  # one visitor waits for the new page; the others have the old one meanwhile
MOST_BYTES = 8 * 1024 * 1024  # of all kept pages of one process
MOST_PAGE = 256 * 1024
OVERHEAD = 2_000  # bytes of Python beside the text of a page
HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
REQUEST_ID, POLICY = "X-Request-Id", "Content-Security-Policy"
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A page that may be kept: under which key, when it was asked for, after how many changes,
    and where other processes look for it."""

    key: Hashable
    began: float
    forgotten: int
    place: shared_pages.Place | None = None


@dataclass(slots=True)
class _Kept:
    """A page in pieces; between two of them stands something fresh: "" a nonce, else a token."""

    station: stations.StationInfo
    rule: str
    began: float
    headers: Headers
    pieces: tuple[bytes, ...]
    fresh: tuple[str | None, ...]  # purposes of form tokens; None: the nonce
    nonce: str
    size: int
    renewing: bool = False


@dataclass(slots=True)
class _House:
    """The kept pages of a process, those used last at the end, and what makes visitors alike."""

    pages: OrderedDict[Hashable, _Kept] = field(default_factory=OrderedDict)
    size: int = 0
    forgotten: int = 0
    cookies: dict[str, frozenset[str]] = field(default_factory=dict)
    differences: list[Callable[[Environ], Hashable]] = field(default_factory=list)
    drawings: dict[str, Drawing] = field(default_factory=dict)  # by path
    lock: threading.Lock = field(default_factory=threading.Lock)
    clock: Callable[[], float] = time.monotonic

    def find(self, key: Hashable) -> _Kept | None:
        """A page that may be shown still. Of those who come after its time one gets None."""
        page = self.pages.get(key)
        if page is None:
            return None
        age = self.clock() - page.began
        if age > FRESH_S and (not page.renewing or age > FRESH_S + GRACE_S):
            page.renewing = True
            return None
        with self.lock:
            if key in self.pages:
                self.pages.move_to_end(key)
        return page

    def put(self, draft: Draft, page: _Kept) -> None:
        """Keep it, and drop what was not wanted for longest; nothing from before `forget`."""
        with self.lock:
            if draft.forgotten != self.forgotten:
                return
            old = self.pages.pop(draft.key, None)
            self.size += page.size - (old.size if old else 0)
            self.pages[draft.key] = page
            while self.size > MOST_BYTES:
                self.size -= self.pages.popitem(last=False)[1].size

    def clear(self) -> None:
        """Drop all."""
        with self.lock:
            self.pages.clear()
            self.size = 0
            self.forgotten += 1


def init_kept_pages(app: Flask) -> None:
    """An empty house."""
    app.extensions[EXTENSION] = _House()


def kept(*names: str) -> Callable[[V], V]:
    """Mark a view whose page is the same for all who are alike; `names`: what it reads of a query.

    It may depend on path, query, allowed cookies, what `differ_by` tells apart, HX-Request and the
    station. A page with any other name in its query is not kept.
    """

    def mark(view: V) -> V:
        view.kept_query = frozenset(names)  # type: ignore[attr-defined]  # a mark on the function
        return view

    return mark


def allow_cookie(app: Flask, name: str, values: Collection[str]) -> None:
    """Visitors with this cookie stay anonymous; each of the few values has pages of its own."""
    _house(app).cookies[name] = frozenset(values)


def differ_by(app: Flask, difference: Callable[[Environ], Hashable]) -> None:
    """Keep pages apart by something else of the request; it must have few values."""
    _house(app).differences.append(difference)


def draw_at(app: Flask, path: str, endpoint: str, view: Callable[[], str]) -> None:
    """Let `view` draw the kept page at a path that asks no query, and Flask not be asked.

    It gives the text that the endpoint's own view answers a plain GET of an open station with.
    """
    [rule] = app.url_map.iter_rules(endpoint)
    _house(app).drawings[path] = Drawing(rule, view)


def forget() -> None:
    """Drop the pages of this process."""
    _house(current_app).clear()


def answer(app: Flask, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
    """Answer with a kept page, or one drawn for it. None: Flask's answer may become one."""
    house: _House | None = app.extensions.get(EXTENSION)
    key = _key(house, environ) if house else None
    if house is None or key is None:
        return None
    page, draft = house.find(key), Draft(key, house.clock(), house.forgotten)
    again = page is None and key in house.pages
    drawing = _drawing(house, environ) if page is None else None
    with app.app_context() as context:
        station = None
        if page or again:
            station = station_of(environ)
        elif drawing:
            station = station_for(environ)
        if again and station is not None:
            draft, page = _of_others(house, draft, station)
        environ[DRAFT] = draft
        if page is not None and not (station and _still_true(page, station)):
            page = None
        if station is None or (page is None and (drawing is None or not station.visible)):
            return None
        name_request(context.g, environ, station)
        try:
            limits.count_page(environ.get("REMOTE_ADDR", ""))
        except TooMany:
            return None  # Flask says so
        if page is not None:
            rule, filled = page.rule, _filled(page, get_host(environ).lower())
        elif drawing is not None and (made := _drawn(app, house, environ, drawing, draft)):
            rule, filled = drawing.rule.rule, made
        else:
            return None
        method = environ["REQUEST_METHOD"]
        metrics.count(method, 200)
        access_log.write(method, rule, 200, environ.get("REMOTE_ADDR", ""))
        start_response(STATUS_LINES[200], filled[1])
        return [filled[0]] if method == "GET" else []


def _drawing(house: _House, environ: Environ) -> Drawing | None:
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return None
    return house.drawings.get(environ["PATH_INFO"])


def _drawn(
    app: Flask, house: _House, environ: Environ, drawing: Drawing, draft: Draft
) -> tuple[bytes, Headers] | None:
    """A page without Flask's dispatch, which is kept from now on; None: Flask has to see to it."""
    with open_context(app, environ, drawing):
        text = text_of(drawing, g.station)
        if text is None or not _nobody_known():
            return None
        body, headers = text.encode(), of_page(environ["wsgi.url_scheme"] == "https")
        headers[1] = "Content-Length", str(len(body))
        headers.append((REQUEST_ID, g.request_id))
        page = _in_pieces(body, headers, drawing.rule.rule, draft)
        if page is not None:
            _put(house, draft, page)
        return body, headers


def keep(response: Response) -> None:
    """Keep Flask's finished answer to the request in hand, if everybody may see it."""
    draft: Draft | None = request.environ.get(DRAFT)
    if draft is None or not _same_for_all(response):
        return
    headers = response.get_wsgi_headers(request.environ).to_wsgi_list()
    rule = request.url_rule.rule if request.url_rule else ""
    page = _in_pieces(response.get_data(), headers, rule, draft)
    if page is not None:
        _put(_house(current_app), draft, page)


def _put(house: _House, draft: Draft, page: _Kept) -> None:
    if page.size <= MOST_PAGE:
        house.put(draft, page)
        if draft.place:
            left = FRESH_S - (house.clock() - page.began)
            shared_pages.keep(draft.place, _packed(page), left)


def _of_others(
    house: _House, draft: Draft, station: stations.StationInfo
) -> tuple[Draft, _Kept | None]:
    """A page of another process, kept here too; else the draft says where to put ours."""
    found = shared_pages.find(draft.key, station)
    if found is None:
        return draft, None
    place, packed, left = found
    if packed is None:
        return replace(draft, place=place), None
    page = _unpacked(packed, station, draft.began - (FRESH_S - left))
    house.put(draft, page)
    return draft, page


def _packed(page: _Kept) -> bytes:
    """As bytes: what tells how to read it, a line's end, the text."""
    lengths = [len(piece) for piece in page.pieces]
    head = json.dumps([page.rule, page.headers, page.fresh, page.nonce, lengths])
    return b"\n".join((head.encode(), b"".join(page.pieces)))


def _unpacked(packed: bytes, station: stations.StationInfo, began: float) -> _Kept:
    head, _, text = packed.partition(b"\n")
    rule, headers, fresh, nonce, lengths = json.loads(head)
    ends = list(accumulate(lengths))
    pieces = tuple(text[end - size : end] for end, size in zip(ends, lengths, strict=True))
    pairs = [(name, value) for name, value in headers]
    return _Kept(
        station, rule, began, pairs, pieces, tuple(fresh), nonce, len(text) + OVERHEAD
    )  # fmt: skip


def _key(house: _House, environ: Environ) -> Hashable | None:
    """All that a kept page may depend on; None where the visitor or the request is not plain."""
    host = environ.get("HTTP_HOST", "").lower()
    cookies = _cookies(house, environ.get("HTTP_COOKIE", ""))
    if (
        environ["REQUEST_METHOD"] not in ("GET", "HEAD")
        or cookies is None
        or not HOST.fullmatch(host)
        or environ.get("SCRIPT_NAME")
        or environ.get("CONTENT_LENGTH", "0") not in ("", "0")
        or "HTTP_TRANSFER_ENCODING" in environ
        or "HTTP_AUTHORIZATION" in environ
    ):
        return None
    return (
        environ["wsgi.url_scheme"], host, environ["PATH_INFO"], environ.get("QUERY_STRING", ""),
        cookies, bool(environ.get("HTTP_HX_REQUEST")),
        tuple(difference(environ) for difference in house.differences),
    )  # fmt: skip


def _cookies(house: _House, header: str) -> tuple[tuple[str, str], ...] | None:
    """Allowed cookies by name; None when there is any other: it may be a session's."""
    found: dict[str, str] = {}
    for part in header.split(";") if header else ():
        name, _, value = part.strip().partition("=")
        if name in found or value not in house.cookies.get(name, ()):
            return None
        found[name] = value
    return tuple(sorted(found.items()))


def _still_true(page: _Kept, station: stations.StationInfo) -> bool:
    """Name, theme, notice, state: a station that has changed or closed has no page here."""
    return page.station is station or page.station == station


def _same_for_all(response: Response) -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    names = getattr(view, "kept_query", None)
    return (
        names is not None
        and request.method == "GET"
        and response.status_code == 200
        and response.mimetype == "text/html"
        and response.headers.get("Cache-Control") == "private, no-cache"
        and "Set-Cookie" not in response.headers
        and not response.is_streamed
        and _plain_query(names)
        and _nobody_known()
    )


def _plain_query(names: frozenset[str]) -> bool:
    return all(name in names and len(values) == 1 for name, values in request.args.lists())


def _nobody_known() -> bool:
    """No account, no session, nothing put into one, no door to a gateway for this answer alone."""
    session = current_session()
    return (
        g.viewer.kind == "guest"
        and session.sid is None
        and not session.modified
        and not (session.loaded and session.data)
        and "form_target" not in g
        and "sessions_down" not in g
    )


def _in_pieces(body: bytes, headers: Headers, rule: str, draft: Draft) -> _Kept | None:
    """The page without what was made for this answer; None when a token cannot be found in it."""
    nonce = g.get("csp_nonce", "")
    made: dict[str, str | None] = dict(g.get("csrf_tokens", {}))
    if any(token.encode() not in body for token in made):
        return None
    if nonce:
        made[nonce] = None
    if any(nonce and nonce in value for name, value in headers if name != POLICY):
        return None
    pieces, fresh = _pieces(body, made)
    return _Kept(
        g.station, rule, draft.began, headers, pieces, fresh, nonce, len(body) + OVERHEAD
    )  # fmt: skip


def _pieces(
    body: bytes, made: Mapping[str, str | None]
) -> tuple[tuple[bytes, ...], tuple[str | None, ...]]:
    """The bytes between what was made, and what stands between them."""
    places = sorted((at, word) for word in made for at in _places(word.encode(), body))
    ends = [0, *(at + len(word) for at, word in places)]
    starts = [*(at for at, _word in places), len(body)]
    pieces = tuple(body[end:start] for end, start in zip(ends, starts, strict=True))
    return pieces, tuple(made[word] for _at, word in places)


def _places(word: bytes, body: bytes) -> Iterator[int]:
    at = body.find(word)
    while at >= 0:
        yield at
        at = body.find(word, at + len(word))


def _filled(page: _Kept, host: str) -> tuple[bytes, Headers]:
    """The page with a nonce, a name and tokens of its own."""
    nonce = chance.token_urlsafe(18)
    made: dict[str | None, bytes] = {None: nonce.encode()}
    parts = [page.pieces[0]]
    for purpose, piece in zip(page.fresh, page.pieces[1:], strict=True):
        if purpose not in made:
            made[purpose] = csrf.guest_token(purpose or "", host).encode()
        parts += (made[purpose], piece)
    body = b"".join(parts)
    return body, [_header(page, nonce, len(body), *pair) for pair in page.headers]


def _header(page: _Kept, nonce: str, length: int, name: str, value: str) -> tuple[str, str]:
    if name == REQUEST_ID:
        return name, g.request_id
    if name == POLICY and page.nonce:
        return name, value.replace(page.nonce, nonce)
    return (name, str(length)) if name == "Content-Length" else (name, value)


def _house(app: Flask) -> _House:
    return cast(_House, app.extensions[EXTENSION])
