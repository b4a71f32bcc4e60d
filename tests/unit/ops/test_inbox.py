"""The demo's receiver of webhooks."""

from werkzeug.test import Client

from kameng.ops.inbox import KEPT, MOST_BODY, Inbox


def test_what_comes_to_an_address_is_listed_there() -> None:
    client = Client(Inbox().wsgi_app)
    sent = client.post("/a", data="{}", headers={"Webhook-Id": "msg_1"})
    assert sent.status_code == 204
    client.post("/b", data="星海")
    (message,) = client.get("/a").json
    assert (message["path"], message["body"]) == ("/a", "{}")
    assert message["headers"]["webhook-id"] == "msg_1"
    assert [one["body"] for one in client.get("/").json] == ["{}", "星海"]


def test_it_keeps_the_last_and_takes_no_giants() -> None:
    client = Client(Inbox().wsgi_app)
    assert client.post("/a", data=b"x" * (MOST_BODY + 1)).status_code == 413
    for number in range(KEPT + 5):
        client.post("/a", data=str(number))
    kept = [one["body"] for one in client.get("/a").json]
    assert kept == [str(number) for number in range(5, KEPT + 5)]
