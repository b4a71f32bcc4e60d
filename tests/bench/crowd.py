"""A crowd of members of the main station, each with money and a key, for a flash sale."""

from __future__ import annotations

import psycopg
from flask import Flask
from tests.bench.fixture import MAIN_HOST, Key, make_key

# By the books, as `fixture` gives money to its members.
_STEPS = (
    "INSERT INTO member(station_id, login, password_hash)"
    " SELECT 1, 'crowd' || n || '@example.com', '!' FROM generate_series(1, {count}) n",
    "SELECT request_adjustment(1, 'adjustment', '', 'wallet', id::text, 10000000, 'bench', 'bench:a',"
    " 'crowd:' || id) FROM member WHERE login LIKE 'crowd%' ORDER BY id",
    "SELECT vote_approval(1, id, 'bench:b', true, 'bench') FROM approval"
    " WHERE kind = 'adjustment' AND state = 'waiting' ORDER BY id",
    "SELECT post_adjustment(1, id) FROM adjustment WHERE state = 'waiting' ORDER BY id",
)


def gather(app: Flask, owner_url: str, count: int) -> tuple[Key, ...]:
    """So many members; their keys have no usual limit of requests a minute."""
    with psycopg.connect(owner_url) as owner:
        for step in _STEPS:
            owner.execute(step.format(count=count).encode())
        owner.commit()
        members = owner.execute(
            "SELECT id FROM member WHERE login LIKE 'crowd%' ORDER BY id"
        ).fetchall()
        with app.app_context():
            made = [make_key(1, member) for (member,) in members]
        owner.execute("UPDATE api_key SET per_minute = 1000000")
        numbers = dict(owner.execute("SELECT key_id, id FROM api_key").fetchall())
    return tuple(Key(1, MAIN_HOST, numbers[name], name, secret) for name, secret in made)


def category_of(owner_url: str) -> int:
    """The category of the bench's goods."""
    with psycopg.connect(owner_url) as owner:
        row = owner.execute("SELECT min(id) FROM category").fetchone()
    return int(row[0]) if row else 0
