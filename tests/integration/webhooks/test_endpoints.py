"""Endpoints, their secrets, orders' own addresses, replays, and what is kept for how long."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.conftest import DEER, JIANGNAN

from kameng import sealing
from kameng.app import create_app
from kameng.db import db, main_scope, station_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.runtime import current_settings
from kameng.webhooks import api as webhooks
from kameng.webhooks.services.sealing import unseal

from .conftest import Hooks
from .test_delivering import signed_by

OTHER_KEY = "b25lIG1vcmUgbWFzdGVyIGtleSBvZiAzMiBieXRlcyE="


def sealed(hooks: Hooks, endpoint: int) -> Any:
    return hooks.shop.one("SELECT sealed FROM webhook_endpoint WHERE id = %s", endpoint)


def test_S10_a_secret_is_sealed_and_shown_once(hooks: Hooks) -> None:
    endpoint, secret = hooks.endpoint()
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_").encode() not in bytes(sealed(hooks, endpoint))
    view = hooks.do("endpoint_of", endpoint)
    assert secret not in repr(view)
    assert hooks.receiver.base not in repr(view)
    with hooks.shop.app.app_context():
        raw = unseal(DEER, hooks.member, bytes(sealed(hooks, endpoint)))
        assert webhooks.secret_text(raw) == secret
        for owner in ((DEER, hooks.member + 1), (JIANGNAN, hooks.member)):
            with pytest.raises(sealing.SealBroken):
                unseal(*owner, bytes(sealed(hooks, endpoint)))


def test_a_new_secret_signs_beside_the_old_one_for_a_day(hooks: Hooks) -> None:
    endpoint, old = hooks.endpoint()
    new = hooks.do("rotate_secret", endpoint)
    assert new != old
    for _each in range(2):
        hooks.order()
        hooks.listen()
        hooks.send()
        hooks.shop.owner.execute(
            "UPDATE webhook_endpoint SET old_until = now() WHERE id = %s", (endpoint,)
        )
    (_p, first, body), (_q, second, later) = hooks.receiver.seen
    assert signed_by(old, first, body)
    assert signed_by(new, first, body)
    assert not signed_by(old, second, later)
    assert signed_by(new, second, later)


def test_S10_secrets_move_to_a_new_master_key(hooks: Hooks) -> None:
    endpoint, _old = hooks.endpoint()
    secret = hooks.do("rotate_secret", endpoint)
    with hooks.shop.app.app_context():
        settings = current_settings()
    both = replace(settings, master_key=OTHER_KEY, master_key_previous=settings.master_key)
    rotating = create_app(both)
    with rotating.app_context():
        with main_scope(reason="test"):
            assert webhooks.reseal_all() >= 1
        for engine in db.engines.values():
            engine.dispose()
    with create_app(replace(settings, master_key=OTHER_KEY)).app_context():
        raw = unseal(DEER, hooks.member, bytes(sealed(hooks, endpoint)))
    assert webhooks.secret_text(raw) == secret
    back = create_app(replace(settings, master_key_previous=OTHER_KEY))
    with back.app_context(), main_scope(reason="test"):
        webhooks.reseal_all()
        for engine in db.engines.values():
            engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com/", "http://10.0.0.1/", "http://127.0.0.1/", "http://localhost/",
     "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/",
     "http://[2002:0a00:0001::]/", "http://u:p@example.com/", "https://example.com:8080/",
     "https://example.com/" + "x" * 500],
)  # fmt: skip
def test_S7_an_address_that_cannot_be_used_is_refused_at_once(hooks: Hooks, url: str) -> None:
    with pytest.raises(DomainError) as refusal:
        hooks.do("add_endpoint", url)
    assert refusal.value.code == "notify_url_invalid"


def test_a_member_has_ten_endpoints_at_most_and_each_once(hooks: Hooks) -> None:
    for number in range(webhooks.MOST):
        hooks.endpoint(f"n{number}")
    with pytest.raises(Conflict) as refusal:
        hooks.endpoint("one-more")
    assert refusal.value.code == "too_many_endpoints"
    first = hooks.do("endpoints_of")[0]
    hooks.do("remove_endpoint", first.id)
    with pytest.raises(Conflict) as again:
        hooks.endpoint("n1")
    assert again.value.code == "endpoint_exists"
    with pytest.raises(DomainError, match="events_unknown"):
        hooks.endpoint("x", ("order.stolen",))
    hooks.endpoint("one-more")


def test_a_change_counts_from_the_next_try(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint("wrong", ("order.delivered",))
    hooks.order()
    hooks.listen()
    hooks.receiver.answer(404)
    hooks.send()
    url = f"{hooks.receiver.base}/right"
    hooks.do("change_endpoint", endpoint, url, "  my   shop ", ("order.delivered", "order.paid"))
    assert hooks.send() == ["delivered"]
    assert [path for path, _h, _b in hooks.receiver.seen] == ["/wrong", "/right"]
    view = hooks.do("endpoint_of", endpoint)
    assert (view.about, view.events) == ("my shop", ("order.paid", "order.delivered"))


def test_a_pause_sends_nothing_and_loses_nothing(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.do("pause_endpoint", endpoint)
    hooks.order()
    hooks.listen()
    assert hooks.send() == []
    assert hooks.rows("d.state") == [("dropped",), ("dropped",)]
    since = datetime.now(UTC) - timedelta(hours=1)
    for name, values in (("send_test", (endpoint,)), ("replay_failed", (endpoint, since, "m")),
                         ("replay", (hooks.rows("d.id")[0][0], "m"))):  # fmt: skip
        with pytest.raises(Conflict, match="endpoint_paused"):
            hooks.do(name, *values)
    hooks.do("resume_endpoint", endpoint)
    assert hooks.do("replay_failed", endpoint, since, "member") == 2
    assert hooks.send() == ["delivered", "delivered"]
    assert hooks.do("replay_failed", endpoint, since, "member") == 0


def test_a_removed_endpoint_hears_nothing_and_has_no_secret(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.do("remove_endpoint", endpoint)
    assert hooks.send() == []
    assert bytes(sealed(hooks, endpoint)) == b""
    assert hooks.do("endpoints_of") == []
    for name in ("endpoint_of", "rotate_secret", "resume_endpoint", "pause_endpoint", "send_test"):
        with pytest.raises(NotFound):
            hooks.do(name, endpoint)


def test_S2_nobody_touches_another_members_endpoint(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.order()
    hooks.listen()
    [(delivery,)] = hooks.rows("d.id")
    other = hooks.shop.member(DEER)
    with hooks.shop.app.app_context(), station_scope(DEER):
        assert webhooks.endpoints_of(other) == []
        assert webhooks.deliveries(other, endpoint).items == ()
        with pytest.raises(NotFound):
            webhooks.rotate_secret(other, endpoint)
        with pytest.raises(NotFound):
            webhooks.replay(other, delivery, "other")
    with hooks.shop.app.app_context(), station_scope(JIANGNAN):
        assert webhooks.endpoints_of(hooks.member) == []


def test_the_test_button_reaches_one_endpoint_whatever_it_listens_to(hooks: Hooks) -> None:
    endpoint, secret = hooks.endpoint("mine", ("order.paid",))
    hooks.endpoint("other")
    hooks.do("send_test", endpoint)
    hooks.do("send_test", endpoint)
    assert hooks.send() == ["delivered", "delivered"]
    [(path, headers, body), _second] = hooks.receiver.seen
    assert (path, json.loads(body)["type"]) == ("/mine", "webhook.test")
    assert signed_by(secret, headers, body)


def test_a_delivery_can_be_sent_again_under_its_own_id(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.send()
    [(delivery,)] = hooks.rows("d.id")
    hooks.do("replay", delivery, "member:5")
    assert hooks.rows("d.state, d.tries, d.replayed_by") == [("due", 0, "member:5")]
    assert hooks.send() == ["delivered"]
    assert len(set(hooks.receiver.ids())) == 1
    [shown] = hooks.do("deliveries", endpoint).items
    assert [one.status for one in shown.log] == [204, 204]
    assert shown.order_no


def test_the_log_is_read_page_by_page(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    for _each in range(3):
        hooks.do("send_test", endpoint)
    first = hooks.do("deliveries", endpoint, None, 2)
    assert (len(first.items), first.next_before) == (2, first.items[-1].id)
    rest = hooks.do("deliveries", endpoint, first.next_before, 2)
    assert (len(rest.items), rest.next_before) == (1, None)


def key_of(hooks: Hooks, dialect: str) -> int:
    return int(
        hooks.shop.one(
            "INSERT INTO api_key(station_id, member_id, key_id, dialect, name, scopes, created_by)"
            " VALUES (%s, %s, %s, %s, 'n', '{}', 't') RETURNING id",
            DEER, hooks.member, f"{2_000_000_000 + hooks.member}", dialect,
        )
    )  # fmt: skip


def ordered_with_notice(hooks: Hooks, dialect: str, path: str = "/notice") -> Any:
    placed = hooks.order("N-1")
    hooks.shop.owner.execute(
        "INSERT INTO order_notify(station_id, order_id, api_key_id, url) VALUES (%s, %s, %s, %s)",
        (DEER, placed.order_id, key_of(hooks, dialect), f"{hooks.receiver.base}{path}"),
    )
    return placed


def test_an_order_with_an_address_is_told_in_its_dialect(hooks: Hooks) -> None:
    asked: list[webhooks.DeliveryFacts] = []

    def build(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing:
        asked.append(facts)
        db.session.execute(text("SELECT 1"))  # reads what it needs; its transaction is ended
        return webhooks.Outgoing("POST", {"X-Sign": "s"}, b"cards=C0DE", ("C0DE",))

    webhooks.register_format("kakayun", build, (0, 60), lambda status, body: body == b"ok")
    placed = ordered_with_notice(hooks, "kakayun")
    hooks.listen()
    hooks.receiver.answer(200, b"I got cards=C0DE")
    assert hooks.send() == ["due"]
    hooks.receiver.answer(200, b"ok")
    assert hooks.send() == ["delivered"]
    assert [body for _p, _h, body in hooks.receiver.seen] == [b"cards=C0DE"] * 2
    facts = asked[0]
    assert (facts.order_no, facts.event, facts.station_id) == (
        placed.order_no, "order.delivered", DEER,
    )  # fmt: skip
    [shown] = hooks.do("deliveries", None).items
    assert [one.answer for one in shown.log] == ["I got cards=****", "ok"]
    assert shown.endpoint_id is None


def test_a_dialect_with_nothing_to_say_ends_the_delivery(hooks: Hooks) -> None:
    webhooks.register_format("kasushou", lambda facts: None, (0,), lambda status, body: True)
    ordered_with_notice(hooks, "kasushou")
    hooks.listen()
    assert hooks.send() == ["dropped"]
    assert hooks.receiver.seen == []


def test_a_dialect_that_breaks_is_tried_again(hooks: Hooks) -> None:
    def broken(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing:
        raise KeyError(facts.order_no)

    webhooks.register_format("acg-shared", broken, (0, 60), webhooks.is_success)
    ordered_with_notice(hooks, "acg-shared")
    hooks.listen()
    assert hooks.send() == ["due"]
    [shown] = hooks.do("deliveries", None).items
    assert shown.log[0].answer == "not sent: KeyError"
    assert hooks.send() == ["failed"]


def test_the_sandbox_announces_to_endpoints_and_to_its_address(hooks: Hooks) -> None:
    webhooks.register_format(
        "native", lambda facts: webhooks.standard_request(facts, ["whsec_c2FuZGJveA=="]),
        webhooks.STANDARD_SCHEDULE_S, webhooks.is_success,
    )  # fmt: skip
    hooks.endpoint("endpoint")
    payload = webhooks.event_payload(
        "order.delivered", datetime.now(UTC), {"order_no": "S1", "sandbox": True}
    )
    notify = (key_of(hooks, "native"), "native", f"{hooks.receiver.base}/notify")
    with hooks.shop.app.app_context(), station_scope(DEER):
        for expected in (True, False):
            made = webhooks.announce(
                DEER, hooks.member, "order.delivered", "sandbox:1", payload, notify=notify
            )
            assert (made is not None) is expected
        db.session.commit()
    assert hooks.send() == ["delivered", "delivered"]
    assert {path for path, _h, _b in hooks.receiver.seen} == {"/endpoint", "/notify"}
    [headers, _other] = [h for _p, h, _b in hooks.receiver.seen]
    assert headers["webhook-id"].startswith("msg_")


def test_the_log_is_kept_for_thirty_days(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.send()
    hooks.order()
    hooks.listen()
    hooks.shop.owner.execute(
        "UPDATE webhook_message SET created_at = now() - interval '31 days' WHERE member_id = %s",
        (hooks.member,),
    )
    with hooks.shop.app.app_context(), main_scope(reason="test"):
        assert webhooks.prune() >= 1
    assert hooks.rows("d.state") == [("due",)]  # what is still to be sent stays
