"""Callbacks over HTTP, by the real epay plugin: what is refused changes nothing and is never a 500."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

JIANGNAN, DEER = 2, 3
KEY, PID = "a-key-of-the-test-merchant", "1001"
CONFIG = {
    "gateway_url": "https://pay.example.com", "version": "v1", "pid": PID, "key": KEY,
    "methods": "alipay,wxpay", "fee_bp": "60",
}  # fmt: skip


def signed(params: dict[str, str], key: str = KEY) -> dict[str, str]:
    text = "&".join(f"{k}={params[k]}" for k in sorted(params) if params[k])
    sign = hashlib.md5(f"{text}{key}".encode()).hexdigest()
    return {**params, "sign": sign, "sign_type": "MD5"}


def notice(attempt: str, money: str, **changes: str) -> dict[str, str]:
    return {
        "pid": PID, "trade_no": f"gw{attempt}", "out_trade_no": attempt, "type": "alipay",
        "name": "goods", "money": money, "trade_status": "TRADE_SUCCESS", **changes,
    }  # fmt: skip


class Gateway:
    """Sends callbacks to the product as the gateway would."""

    def __init__(self, shop: Any) -> None:
        from kameng.plugins import api as plugins

        self.shop = shop
        with shop.app.app_context():
            plugins.configure(1, "payment-epay", CONFIG, "test")
            plugins.set_enabled(1, "payment-epay", True, "test")
            self.path = plugins.hook_path(DEER, "payment-epay")
            self.foreign_path = plugins.hook_path(JIANGNAN, "payment-epay")
            self.main_path = plugins.hook_path(1, "payment-epay")

    def send(self, params: dict[str, str] | str, path: str = "", **request: Any) -> Any:
        query = params if isinstance(params, str) else urlencode(params)
        client = self.shop.app.test_client()
        address = f"{path or self.path}?{query}"
        return client.open(address, base_url="http://main.localhost", **request)


@pytest.fixture
def gateway(shop: Any) -> Gateway:
    return Gateway(shop)


def unpaid(shop: Any) -> tuple[Any, str]:
    placed = shop.place(shop.sku(cards=2))
    return placed, shop.attempt(DEER, placed.payable, order=placed.order_id)


def test_O5_a_right_notice_delivers_and_is_answered_success(shop: Any, gateway: Gateway) -> None:
    placed, attempt = unpaid(shop)
    answer = gateway.send(signed(notice(attempt, "98.61")))
    assert (answer.status_code, answer.text) == (200, "success")
    assert shop.state(DEER, placed.order_id) == "delivered"
    shop.assert_books_balance()


def test_100_copies_at_once_have_one_effect_and_are_all_answered(
    shop: Any, gateway: Gateway
) -> None:
    placed, attempt = unpaid(shop)
    params = signed(notice(attempt, "98.61"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: gateway.send(params).text, range(100)))
    assert set(answers) == {"success"}
    stored = shop.owner.execute(
        "SELECT times, result FROM payment_notice WHERE attempt_no = %s", (attempt,)
    ).fetchall()
    assert stored == [(100, "ok")]
    assert shop.one("SELECT count(*) FROM card WHERE order_id = %s", placed.order_id) == 1
    shop.assert_books_balance()


REFUSED: dict[str, Any] = {
    "wrong signature": lambda a: {**signed(notice(a, "98.61")), "sign": "0" * 32},
    "signed with another key": lambda a: signed(notice(a, "98.61"), "other"),
    "no signature": lambda a: notice(a, "98.61"),
    "amount one fen short": lambda a: signed(notice(a, "98.60")),
    "amount one fen over": lambda a: signed(notice(a, "98.62")),
    "amount not a number": lambda a: signed(notice(a, "NaN")),
    "amount with a third decimal": lambda a: signed(notice(a, "98.610000001")),
    "amount changed after signing": lambda a: {**signed(notice(a, "98.61")), "money": "0.01"},
    "another merchant": lambda a: signed(notice(a, "98.61", pid="1002")),
    "unknown attempt": lambda a: signed(notice("26110000000000000000", "98.61")),
    "a parameter twice": lambda a: urlencode(signed(notice(a, "98.61"))) + f"&out_trade_no={a}",
    "algorithm named otherwise": lambda a: {**signed(notice(a, "98.61")), "sign_type": "NONE"},
    "nothing at all": lambda a: "",
    "garbage": lambda a: "%ff%fe=%00&sign=%zz",
    "not paid yet": lambda a: signed(notice(a, "98.61", trade_status="WAIT")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_P3_refused_callbacks_change_nothing(shop: Any, gateway: Gateway, case: str) -> None:
    placed, attempt = unpaid(shop)
    transfers = shop.one("SELECT count(*) FROM transfer")
    answer = gateway.send(REFUSED[case](attempt))
    assert answer.status_code < 500
    if case != "not paid yet":
        assert answer.status_code == 400
        assert answer.text != "success"
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert shop.one("SELECT count(*) FROM transfer") == transfers
    shop.assert_books_balance()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_P3_other_methods_are_refused(shop: Any, gateway: Gateway, method: str) -> None:
    _placed, attempt = unpaid(shop)
    assert gateway.send(signed(notice(attempt, "98.61")), method=method).status_code == 405


def test_P3_a_foreign_stations_address_does_not_take_the_notice(
    shop: Any, gateway: Gateway
) -> None:
    placed, attempt = unpaid(shop)
    answer = gateway.send(signed(notice(attempt, "98.61")), gateway.foreign_path)
    assert answer.status_code == 400
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    logged = shop.one("SELECT result FROM payment_notice WHERE station_id = %s", JIANGNAN)
    assert logged == "attempt_unknown"


def test_a_notice_to_the_main_accounts_address_finds_the_station(
    shop: Any, gateway: Gateway
) -> None:
    placed, attempt = unpaid(shop)
    assert gateway.send(signed(notice(attempt, "98.61")), gateway.main_path).text == "success"
    assert shop.state(DEER, placed.order_id) == "delivered"


@pytest.mark.parametrize("token", ["x", "0" * 43, "../../admin", "%00"])
def test_P3_an_unknown_token_is_not_found(shop: Any, gateway: Gateway, token: str) -> None:
    _placed, attempt = unpaid(shop)
    answer = gateway.send(signed(notice(attempt, "98.61")), f"/hooks/payment-epay/{token}")
    assert answer.status_code == 404


def test_P3_another_channels_address_does_not_take_the_notice(shop: Any, gateway: Gateway) -> None:
    _placed, attempt = unpaid(shop)
    path = gateway.path.replace("payment-epay", "payment-stripe")
    assert gateway.send(signed(notice(attempt, "98.61")), path).status_code == 404


def test_P3_a_body_that_is_too_large_is_refused(shop: Any, gateway: Gateway) -> None:
    answer = gateway.send("", method="POST", data=b"x" * (65 * 1024))
    assert answer.status_code == 413


class InvalidChunkSize(Exception):
    """What Gunicorn raises while a badly framed body is read."""


InvalidChunkSize.__module__ = "gunicorn.http.errors"


class Body(io.RawIOBase):
    """A body whose length nobody has told; it ends in an error or not at all."""

    def __init__(self, error: Exception | None = None) -> None:
        self.given, self.error = 0, error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.error:
            raise self.error
        self.given += len(buffer)
        return len(buffer)


def untold(body: Body) -> dict[str, Any]:
    """A request in chunks, as Gunicorn hands it on."""
    return {
        "wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }  # fmt: skip


def test_P3_a_body_without_end_is_cut_at_the_limit(shop: Any, gateway: Gateway) -> None:
    endless = Body()
    answer = gateway.send("", method="POST", environ_overrides=untold(endless))
    assert answer.status_code == 413
    assert endless.given < 1_000_000


def test_P3_a_badly_framed_body_is_the_senders_fault(shop: Any, gateway: Gateway) -> None:
    broken = Body(InvalidChunkSize("zz"))
    answer = gateway.send("", method="POST", environ_overrides=untold(broken))
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_a_replayed_old_notice_is_harmless(shop: Any, gateway: Gateway) -> None:
    """V1 signs no time: a copy from last month must find everything done already."""
    placed, attempt = unpaid(shop)
    params = signed(notice(attempt, "98.61"))
    for _ in range(3):
        assert gateway.send(params).text == "success"
    assert shop.one("SELECT count(*) FROM transfer WHERE attempt_id IS NOT NULL AND kind = "
                    "'payment.collect' AND order_id = %s", placed.order_id) == 1  # fmt: skip


def test_P3_one_payment_reported_for_two_attempts_is_held_for_a_person(
    shop: Any, gateway: Gateway
) -> None:
    """Signed by the gateway, so it is no forgery; but one payment cannot pay twice."""
    (first, one), (second, two) = unpaid(shop), unpaid(shop)
    same = {"trade_no": f"one-{one}"}
    assert gateway.send(signed(notice(one, "98.61", **same))).text == "success"
    answer = gateway.send(signed(notice(two, "98.61", **same)))
    assert (answer.status_code, answer.text) == (400, "fail")
    assert shop.state(DEER, first.order_id) == "delivered"
    assert shop.state(DEER, second.order_id) == "pending_payment"
    logged = "SELECT result FROM payment_notice WHERE attempt_no = %s"
    assert shop.one(logged, two) == "reference_taken"
    assert (
        shop.one("SELECT count(*) FROM alert WHERE kind = 'payment_reference' AND state = 'open'")
        == 1
    )
    shop.assert_books_balance()


def test_P3_the_same_reported_at_once_pays_one_of_them(shop: Any, gateway: Gateway) -> None:
    attempts = [unpaid(shop) for _ in range(6)]
    sent = [signed(notice(a, "98.61", trade_no=f"race-{attempts[0][1]}")) for _p, a in attempts]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda params: gateway.send(params).status_code, sent))
    assert sorted(answers) == [200, 400, 400, 400, 400, 400]
    states = [shop.state(DEER, placed.order_id) for placed, _a in attempts]
    assert sorted(states) == ["delivered"] + ["pending_payment"] * 5
    shop.assert_books_balance()


OUTLANDISH: dict[str, dict[str, str]] = {
    "more money than a bigint holds": {"money": "999999999999999.99"},
    "NUL in the attempt": {"out_trade_no": "2611\x00000000000000"},
    "NUL in the gateway's number": {"trade_no": "gw\x00"},
    "half a surrogate pair": {"trade_no": "gw\ud800"},
    "a very long number": {"trade_no": "9" * 65},
}


@pytest.mark.parametrize("case", OUTLANDISH)
def test_P3_signed_nonsense_is_refused_and_logged(shop: Any, gateway: Gateway, case: str) -> None:
    placed, attempt = unpaid(shop)
    params = {**notice(attempt, "98.61"), **OUTLANDISH[case]}
    text = "&".join(f"{k}={params[k]}" for k in sorted(params) if params[k])
    sign = hashlib.md5(f"{text}{KEY}".encode("utf-8", "surrogatepass")).hexdigest()
    query = urlencode({**params, "sign": sign, "sign_type": "MD5"}, errors="surrogatepass")
    before = shop.one("SELECT coalesce(sum(times), 0) FROM payment_notice")
    answer = gateway.send(query)
    assert (answer.status_code, answer.text) == (400, "fail")
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert shop.one("SELECT sum(times) FROM payment_notice") == before + 1


def test_P3_junk_in_headers_is_logged_without_an_error(shop: Any, gateway: Gateway) -> None:
    headers = {
        "User-Agent": "a\x00b",
        "X-Request-Id": "\xff\xfe",
        "Stripe-Signature": "t=1,v1=\x00",
    }
    assert gateway.send("x=%00", headers=headers).status_code == 400


def test_P3_a_flood_of_junk_is_counted_and_does_not_fill_the_database(
    shop: Any, gateway: Gateway
) -> None:
    """Who buys can read the address of callbacks, so anybody can send to it for ever."""
    rows = "SELECT count(*) FROM payment_notice WHERE station_id = 3"
    before, size = shop.one(rows), shop.one("SELECT pg_total_relation_size('payment_notice')")
    sent = 160
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda n: gateway.send(f"n={n}", method="POST", data=b"%d" % n + b"x" * 60_000),
            range(sent),
        )
        assert {answer.status_code for answer in answers} == {400}
    assert shop.one(rows) - before <= 70
    assert shop.one("SELECT pg_total_relation_size('payment_notice')") - size < 1_000_000
    counted = "SELECT sum(times) FROM payment_notice WHERE station_id = 3 AND starts_with(result, 'refused')"
    assert shop.one(counted) >= sent
    placed, attempt = unpaid(shop)
    assert gateway.send(signed(notice(attempt, "98.61"))).text == "success"
    assert shop.state(DEER, placed.order_id) == "delivered"
