"""Every address of the application with another station's numbers, as everybody who might try."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.functional.conftest import hidden
from tests.fuzz import signers
from tests.fuzz.wire import Sent

from kameng.web import audiences
from kameng.web.csrf import FIELD
from kameng.web.sessions import COOKIES, SHOP_COOKIE
from kameng_supplier_acg_shared.signing import sign as acg_sign
from kameng_supplier_kakayun.signing import sign as kakayun_sign

from .world import HOSTS, MAIN, A, B, Station, World

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

INSIDE = ("buyer of B", "owner of B", "buyer of main", "buyer", "owner")  # behind their own login
DOORS = ("main", "supplier")  # audiences that no station's host or people get into
PLACE = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<words>[^)]*)\))?:)?(?P<name>\w+)>")
# Values that are the same at every station.
COMMON = {
    "slug": ["xinghai"], "sku_id": [], "name": ["agreement", "kameng"], "sku": ["XH30"], "rest": ["x"],
    "path": ["x"], "_rest": ["x"], "filename": ["x"],
}  # fmt: skip
# Which numbers of a station stand in a place of an address: SQL for each.
NUMBERS = {
    "order_no": "SELECT order_no FROM orders WHERE station_id = %(s)s",
    "attempt_no": "SELECT attempt_no FROM payment_attempt WHERE station_id = %(s)s",
    "sale_no": "SELECT sale_no FROM flash_sale WHERE station_id = %(s)s",
    "rule_id": "SELECT id FROM bonus_rule WHERE station_id = %(s)s",
    "withdrawal_id": "SELECT id FROM withdrawal WHERE station_id = %(s)s",
    "key_id": "SELECT id FROM api_key WHERE station_id = %(s)s",
    "proof_id": "SELECT id FROM payment_proof WHERE station_id = %(s)s",
    "secret_id": "SELECT min(id) FROM api_secret WHERE station_id = %(s)s",
    "delivery": "SELECT id FROM webhook_delivery WHERE station_id = %(s)s",
    "token": "SELECT token FROM station_plugin WHERE station_id = %(s)s",
    "plugin_id": "SELECT DISTINCT plugin_id FROM station_plugin WHERE station_id = %(s)s",
    "sku_id": "SELECT min(sku_id) FROM listing WHERE station_id = %(s)s",
    "key": "SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
    "day": "SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
    "number": "SELECT min(id)::text FROM api_key WHERE station_id = %(s)s UNION"
    " SELECT max(id)::text FROM api_key WHERE station_id = %(s)s UNION"
    " SELECT id::text FROM webhook_endpoint WHERE station_id = %(s)s UNION"
    " SELECT order_no FROM orders WHERE station_id = %(s)s",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request and what came back of it."""

    who: str
    method: str
    rule: str
    path: str
    status: int
    sent: str  # whatever the caller knew and said
    told: str  # status line, headers and body, exports unpacked


@dataclass
class Crawler:
    """Asks with the numbers of one station; remembers what was asked."""

    world: World
    numbers: dict[str, list[str]] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def learn(self, station: int) -> None:
        """Whose numbers the addresses and forms are filled with."""
        for name, question in NUMBERS.items():
            found = self.world.market.owner.execute(question, {"s": station}).fetchall()
            self.numbers[name] = [str(value) for (value,) in found]
            assert self.numbers[name], name
        self.numbers |= {name: words for name, words in COMMON.items() if words}
        first = {name: values[0] for name, values in self.numbers.items()}
        self.form = {
            **first, "order": first["order_no"], "attempt": first["attempt_no"], "id": first["proof_id"],
            "no": first["order_no"], "q": first["order_no"], "quantity": "1", "amount": "1", "index": "all",
            "contact": "a@example.com", "member_id": str(self.world.stations[station].member),
            "merchant_order_no": first["order_no"], "out_trade_no": first["attempt_no"], "order_id": first["order_no"],
            "station_id": str(station), "station": str(station), "month": first["key"],
        }  # fmt: skip

    @property
    def rules(self) -> list[Rule]:
        """All routes, those that end a session last."""
        found = list(self.world.market.app.url_map.iter_rules())
        return sorted(found, key=lambda rule: (rule.rule.endswith("/logout"), rule.rule))

    def audience(self, rule: Rule) -> str:
        """Whom the route is for."""
        return str(audiences.audience_of(self.world.market.app, rule))

    def paths(self, rule: Rule, *, door: bool = False) -> Iterator[str]:
        """The route's addresses with every number that fits; with one each behind a closed door."""
        pieces, last = [], 0
        for place in PLACE.finditer(rule.rule):
            pieces += [[rule.rule[last : place.start()]], self._fitting(place, door=door)]
            last = place.end()
        for chosen in itertools.product(*pieces, [rule.rule[last:]]):
            yield "".join(chosen)

    def _fitting(self, place: re.Match[str], *, door: bool) -> list[str]:
        if place["kind"] == "any":
            words = [word.strip().strip("\"'") for word in place["words"].split(",")]
            return words[:1] if door else words
        if door:
            found = self.numbers.get(place["name"], self.numbers["rule_id"])[:1]
            return (
                found if place["kind"] != "int" or found[0].isdigit() else self.numbers["rule_id"]
            )
        found = self.numbers[place["name"]]
        return [one for one in found if place["kind"] != "int" or one.isdigit()]

    def ask(self, one: Visitor, rule: Rule, *, door: bool = False, write: bool = True) -> None:
        """Every address of a route: read, and written to with a valid token."""
        methods = rule.methods or set()
        for path in self.paths(rule, door=door):
            if "GET" in methods:
                self._note(one.who, rule, path, one.browser.get(path, base_url=one.base), "")
            if "GET" in methods and one.who in INSIDE and not door:
                found = one.browser.get(path, base_url=one.base, query_string=self.form)
                self._note(one.who, rule, path, found, json.dumps(self.form))
            if "POST" in methods and write:
                data = {**self.form, FIELD: self._token(one, path)}
                answer = one.browser.post(path, base_url=one.base, data=data)
                self._note(one.who, rule, path, answer, json.dumps(self.form))

    def _token(self, one: Visitor, path: str) -> str:
        """What a form needs, from a page that this browser has seen; it lasts as long as a session."""
        desk = next((desk for desk in COOKIES if path.startswith(f"{desk}/")), "")
        if (one.who, desk) not in self.tokens:
            page = f"{desk}/login" if desk else "/orders/lookup"
            seen = one.browser.get(page, base_url=one.base, follow_redirects=True).text
            self.tokens[one.who, desk] = hidden(seen, FIELD) if FIELD in seen else "none"
        return self.tokens[one.who, desk]

    def program(self, who: str, rule: Rule, keys: Mapping[str, Any], base: str) -> None:
        """The same of an open interface, signed with keys of another station."""
        dialect = next((d for d in SIGNERS if rule.rule.startswith(f"/dock/{d}/")), "native")
        for path in self._calls(rule):
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                sent = Sent(method, path.encode(), b"")
                data, headers = SIGNERS[dialect](self, keys[dialect], sent)
                answer = self.world.market.app.test_client().open(
                    path, method=method, base_url=base, data=data, headers=headers,
                    environ_base={"REMOTE_ADDR": "192.0.2.9"},
                )  # fmt: skip
                self._note(who, rule, path, answer, data.decode())

    def _calls(self, rule: Rule) -> Iterator[str]:
        """Two docks have one route for all calls: theirs are named here."""
        for start, calls in CALLS.items():
            if rule.rule.startswith(start) and "<" in rule.rule:
                yield from (start + call for call in calls)
                return
        yield from self.paths(rule)

    def _note(self, who: str, rule: Rule, path: str, answer: TestResponse, sent: str) -> None:
        told = f"{answer.status}\n{answer.headers}\n{unpacked(answer.data)}"
        method = str(answer.request.method) if answer.request else ""
        self.asked.append(
            Asked(who, method, rule.rule, path, answer.status_code, f"{path} {sent}", told)
        )
        answer.close()


def unpacked(body: bytes) -> str:
    """A body as text; of a sheet, all its parts."""
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            body = b"\n".join(parts.read(name) for name in parts.namelist())
    return body.decode("utf-8", "replace")


def _json(crawler: Crawler) -> dict[str, Any]:
    form = crawler.form
    return {
        **form, "goodsid": 1, "buynum": 1, "usorderno": form["order_no"], "orderno": form["order_no"],
        "ordersn": form["order_no"], "external_orderno": form["order_no"], "tradeNo": form["order_no"],
        "downstream_order_no": form["order_no"],
    }  # fmt: skip


Signed = tuple[bytes, dict[str, str]]
JSON = {"Content-Type": "application/json"}


def _native(crawler: Crawler, key: Any, sent: Sent) -> Signed:
    body = json.dumps(_json(crawler)).encode() if sent.method == "POST" else b""
    return body, {**JSON, **signers.native(key, Sent(sent.method, sent.target, body))}


def _dujiao(crawler: Crawler, key: Any, sent: Sent) -> Signed:
    body = json.dumps(_json(crawler)).encode() if sent.method == "POST" else b""
    return body, {**JSON, **signers.dujiao(key, Sent(sent.method, sent.target, body))}


def _kasushou(crawler: Crawler, key: Any, sent: Sent) -> Signed:
    body = json.dumps(_json(crawler)).encode()
    return body, {**JSON, **signers.kasushou(key, Sent(sent.method, sent.target, body))}


def _kakayun(crawler: Crawler, key: Any, _sent: Sent) -> Signed:
    given = {**_json(crawler), "userid": key.key_id, "timestamp": int(time.time())}
    return json.dumps({**given, "sign": kakayun_sign(given, key.secret)}).encode(), JSON


def _acg(crawler: Crawler, key: Any, _sent: Sent) -> Signed:
    form = {**_json(crawler), "app_id": key.key_id, "app_key": key.secret}
    form = {name: str(value) for name, value in form.items()}
    form["sign"] = acg_sign(form, key.secret)
    return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


SIGNERS: dict[str, Callable[[Crawler, Any, Sent], Signed]] = {
    "native": _native, "dujiao-next": _dujiao, "kasushou": _kasushou, "kakayun": _kakayun, "acg-shared": _acg,
}  # fmt: skip
CALLS = {
    "/dock/kasushou/": [
        f"api/v1/{call}" for call in (
            "order/info", "order/close", "order/complain", "user/info", "goods/cate", "goods/list", "goods/info",
            "goods/attach", "goods/pricelog",
        )
    ],
    "/dock/kakayun/": [
        f"dockapiv3/{call}" for call in (
            "order/get", "order/cancelOrder", "user/info", "user/seturl", "user/geturl", "goods/group",
            "goods/details", "goods/detailslite", "goods/tpl", "goods/all", "goods/alllite", "goods/subscribe",
        )
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser, and the host that is asked."""

    who: str
    browser: FlaskClient
    base: str


def visitors(world: World) -> list[Visitor]:
    """Who is not of A: people of B at home and with their cookies at A and at the main station."""
    b, bases = world.stations[B], {number: f"http://{host}:8000" for number, host in HOSTS.items()}
    parent = world.browser("198.51.100.91")
    world.market.member(parent, "parent@example.com", 0, bases[MAIN])
    return [
        Visitor("guest at B", world.browser("198.51.100.92"), bases[B]),
        Visitor("buyer of B", b.buyer, bases[B]),
        Visitor("owner of B", b.owner, bases[B]),
        Visitor("buyer of B at A", _disguised(world, b.buyer, A), bases[A]),
        Visitor("owner of B at A", _disguised(world, b.owner, A), bases[A]),
        Visitor("guest at main", world.browser("198.51.100.93"), bases[MAIN]),
        Visitor("buyer of main", parent, bases[MAIN]),
        Visitor("owner of B at main", _disguised(world, b.owner, MAIN), bases[MAIN]),
    ]


def _disguised(world: World, other: FlaskClient, station: int) -> FlaskClient:
    """A browser that shows a host the cookies of another, under every name that is looked at."""
    browser = world.browser(f"198.51.100.{80 + station}")
    for cookie in list(other._cookies.values()):
        for name in (SHOP_COOKIE, *COOKIES.values()):
            browser.set_cookie(name, cookie.value, domain=HOSTS[station], secure=True)
    return browser


def everybody(crawler: Crawler) -> None:
    """Ask for everything of A as everybody who is not A's."""
    b, guests = crawler.world.stations[B], visitors(crawler.world)
    strangers = [one for one in guests if one.who in ("owner of B", "owner of B at main")]
    for rule in crawler.rules:
        kind = crawler.audience(rule)
        if kind == "station":
            for one in guests:
                crawler.ask(one, rule)
        elif kind == "api" and not rule.rule.startswith("/supplier"):
            crawler.program("key of B", rule, b.keys, b.base)
            crawler.program("key of B at A", rule, b.keys, crawler.world.stations[A].base)
            if rule.rule.startswith("/api/v1"):
                crawler.program("sandbox key of B", rule, {"native": b.keys["sandbox"]}, b.base)
        else:
            for one in strangers:
                crawler.ask(one, rule, door=kind in DOORS)


def at_home(crawler: Crawler, station: Station) -> None:
    """The same pages, read by those whose they are."""
    for rule in crawler.rules:
        if crawler.audience(rule) == "station":
            for who, browser in (("buyer", station.buyer), ("owner", station.owner)):
                crawler.ask(Visitor(who, browser, station.base), rule, write=False)
