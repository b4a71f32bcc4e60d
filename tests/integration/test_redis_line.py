"""The line to Redis that purchases use: answers, silence, farewells and forgotten scripts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis as redis_client

from kameng import redis
from kameng.redis_line import Line

SCRIPT = "return {KEYS[1], ARGV[1], 7}"
DIGEST = "".join("0" for _ in range(40))  # of no script that any server knows


@pytest.fixture
def client(other_redis: str) -> redis.Client:
    return redis.connect(other_redis)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def ask(client: redis.Client) -> object:
    return client.run_script(DIGEST, SCRIPT, ["k"], ["ü", 1])


def test_an_unknown_script_is_sent_whole(client: redis.Client) -> None:
    assert ask(client) == [b"k", "ü".encode(), 7]


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (["plain", 7], [b"plain", b"7"]),
        (["ü€", ""], ["ü€".encode(), b""]),
        ([b"\xff\r\n", "a\r\nb"], [b"\xff\r\n", b"a\r\nb"]),
        ([b"\x00", "ü"], [b"\x00", "ü".encode()]),
    ],
)
def test_words_arrive_byte_by_byte(
    client: redis.Client, words: list[object], heard: list[bytes]
) -> None:
    assert client.run_script(DIGEST, "return ARGV", [], words) == heard


def test_half_a_letter_is_not_sent(client: redis.Client) -> None:
    with pytest.raises(UnicodeEncodeError):
        client.ask("ECHO", "\ud800")
    assert client.ask("ECHO", "on") == b"on"


def test_what_the_script_refuses_is_told_and_the_line_lives_on(client: redis.Client) -> None:
    with pytest.raises(redis_client.ResponseError, match=r"(?i)unknown command"):
        client.run_script(DIGEST, "return redis.call('NOSUCH')", [], [])
    assert ask(client) == [b"k", "ü".encode(), 7]


def test_a_server_that_hung_up_while_nobody_asked_is_called_again(client: redis.Client) -> None:
    ask(client)
    client.client_kill_filter(_type="normal", skipme=True)
    time.sleep(1.1)
    assert ask(client) == [b"k", "ü".encode(), 7]


def test_a_line_that_is_cut_is_an_error_once(client: redis.Client) -> None:
    ask(client)
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis_client.ConnectionError):
        ask(client)
    assert ask(client) == [b"k", "ü".encode(), 7]


class Plain:
    """As much of a connection of the pool as a line needs."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self._sock: socket.socket | None = None

    def connect(self) -> None:
        self._sock = socket.create_connection(self.address)

    def disconnect(self) -> None:
        if self._sock is not None:
            self._sock.close()


def test_silence_is_a_time_out(listener: socket.socket) -> None:
    line = Line(Plain(listener.getsockname()), timeout_s=0.2)
    with pytest.raises(redis_client.TimeoutError):
        line.ask(["PING"])


def test_nobody_there_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    client = redis.connect(f"redis://{address[0]}:{address[1]}/0")
    with pytest.raises(redis_client.ConnectionError):
        ask(client)


def test_every_thread_has_its_own_line(client: redis.Client) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(ask(client))) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[b"k", "ü".encode(), 7]] * 8


def test_what_is_told_is_done_before_what_is_asked_next(client: redis.Client) -> None:
    for number in range(50):
        client.tell("SET", "told", number)
        client.tell("APPEND", "told", "ü")
        assert client.ask("GET", "told") == f"{number}ü".encode()


def test_a_refusal_of_what_was_told_is_heard_by_nobody(client: redis.Client) -> None:
    client.tell("NOSUCH", "x")
    client.tell("EVAL", "return redis.call('NOSUCH')", 0)
    assert ask(client) == [b"k", "ü".encode(), 7]
    with pytest.raises(redis_client.ResponseError):
        client.ask("NOSUCH")


def test_an_answer_that_nobody_heard_is_no_farewell(client: redis.Client) -> None:
    line = client._own_line()
    client.tell("SET", "told", 1)
    before = line._socket
    time.sleep(1.1)
    assert client.ask("GET", "told") == b"1"
    assert line._socket is before


@pytest.mark.parametrize("quiet_s", [0, 1.1])
def test_a_line_that_was_cut_after_a_word_lives_on(client: redis.Client, quiet_s: float) -> None:
    client.tell("PING")
    client.client_kill_filter(_type="normal", skipme=True)
    time.sleep(quiet_s)
    if not quiet_s:
        with pytest.raises(redis_client.ConnectionError):
            ask(client)
    assert ask(client) == [b"k", "ü".encode(), 7]


def test_nobody_there_to_be_told_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with pytest.raises(redis_client.ConnectionError):
        redis.connect(f"redis://{address[0]}:{address[1]}/0").tell("PING")


def test_silence_after_a_word_is_a_time_out_of_the_next(listener: socket.socket) -> None:
    line = Line(Plain(listener.getsockname()), timeout_s=0.2)
    line.tell(["PING"])
    with pytest.raises(redis_client.TimeoutError):
        line.ask(["PING"])
