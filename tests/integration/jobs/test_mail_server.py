"""E-mails over a real connection: taken once, refused for good, cut off in the middle."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from kameng.db import db, station_scope
from kameng.jobs import mail, send_notice
from kameng.runtime import KEY, current_settings

from .helpers import execute, rows


@dataclass
class Post:
    """A mail server on one page: what it took, and for whom it refuses or breaks off."""

    port: int = 0
    taken: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


class Session(socketserver.StreamRequestHandler):
    """One connection. The recipient decides what happens to a letter."""

    def handle(self) -> None:
        self.say("220 post ESMTP")
        self.recipient = ""
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if not getattr(self, f"on_{word.lower()}", self.otherwise)(line):
                return

    def say(self, text: str) -> bool:
        self.wfile.write(f"{text}\r\n".encode())
        return True

    def otherwise(self, _line: str) -> bool:
        return self.say("250 fine")

    def on_ehlo(self, _line: str) -> bool:
        return self.say("250-post\r\n250-AUTH PLAIN\r\n250 SIZE 1000000")

    def on_auth(self, line: str) -> bool:
        self.server.post.logins.append(line)  # type: ignore[attr-defined]  # set by the fixture
        return self.say("235 welcome")

    def on_rcpt(self, line: str) -> bool:
        self.recipient = line
        return self.say("550 nobody" if "gone@" in line else "250 fine")

    def on_data(self, _line: str) -> bool:
        self.say("354 go on")
        letter = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            letter += line
        if "broken@" in self.recipient:
            return False  # the connection ends without an answer
        self.server.post.taken.append(letter.decode())  # type: ignore[attr-defined]  # see above
        return self.say("250 taken")

    def on_quit(self, _line: str) -> bool:
        self.say("221 bye")
        return False


@pytest.fixture
def post(ready) -> Iterator[Post]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        server.post = Post(server.server_address[1])  # type: ignore[attr-defined]  # for sessions
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = current_settings()
        url = f"smtp://kameng:pass%20word@127.0.0.1:{server.post.port}"
        ready.extensions[KEY] = replace(settings, smtp_url=url)
        yield server.post
        ready.extensions[KEY] = settings
        server.shutdown()


def queue(recipient: str, key: str) -> None:
    with station_scope(2):
        send_notice(2, "test", recipient, "主题", "正文", key)
        db.session.commit()


def states() -> dict[str, str]:
    return {row.recipient: row.state for row in rows("SELECT recipient, state FROM notice")}


def test_a_letter_is_handed_over_once_with_login_and_a_lasting_id(post):
    queue("buyer@example.com", "k1")
    assert mail.deliver_notices() == 1
    assert mail.deliver_notices() == 0
    (letter,) = post.taken
    assert "To: buyer@example.com" in letter
    execute("UPDATE notice SET state = 'queued', next_try_at = now()")  # sent, but not noted
    assert mail.deliver_notices() == 1
    ids = {line for copy in post.taken for line in copy.splitlines() if "Message-ID" in line}
    assert len(ids) == 1
    assert len(post.logins) == 2


@pytest.mark.parametrize(
    ("recipient", "then"),
    [("gone@example.com", "queued"), ("broken@example.com", "queued"), ("a@[", "failed")],
)
def test_one_letter_that_cannot_go_does_not_hold_up_the_others(post, recipient, then):
    """A server may think better of it; an address that is none stays none."""
    queue(recipient, "bad")
    queue("buyer@example.com", "good")
    assert mail.deliver_notices() == 1
    assert states() == {recipient: then, "buyer@example.com": "sent"}
    for _ in range(mail.MAX_TRIES):
        execute("UPDATE notice SET next_try_at = now()")
        mail.deliver_notices()
    assert states()[recipient] == "failed"
    assert len(post.taken) == 1


def test_a_wrong_address_of_the_server_is_said(ready, post):
    ready.extensions[KEY] = replace(current_settings(), smtp_url="http://127.0.0.1:1")
    queue("buyer@example.com", "k1")
    assert mail.deliver_notices() == 0
    (row,) = rows("SELECT error FROM notice")
    assert "KAMENG_SMTP_URL" in row.error
