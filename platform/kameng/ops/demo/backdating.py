"""Date the demo's orders back. Only the owner can: the product never changes a time."""

from __future__ import annotations

from importlib import resources

import psycopg

from kameng.ops.demo.buying import Diary


def date_back(database_url: str, diary: Diary) -> None:
    """Give each order its moment; nothing but times changes. The mail of the past is not sent."""
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "CREATE TEMP TABLE moment"
            "(station_id bigint, order_id bigint, at timestamptz, hands int[], pay interval,"
            " hand interval)"
        )
        owner.execute(
            "CREATE TEMP TABLE wallet_moment(station_id bigint, attempt_no text, at timestamptz)"
        )
        with owner.cursor() as cursor:
            with cursor.copy("COPY moment(station_id, order_id, at, hands) FROM STDIN") as copy:
                for row in diary.moments:
                    copy.write_row((*row, diary.hands.get(row[:2])))
            with cursor.copy("COPY wallet_moment FROM STDIN") as copy:
                for wallet_row in diary.top_ups:
                    copy.write_row(wallet_row)
        owner.execute(
            "UPDATE moment SET pay = make_interval(secs => 15 + (order_id * 7919) % 100),"
            " hand = make_interval(secs => coalesce((SELECT sum(s) FROM unnest(hands) s),"
            " 70 + (order_id * 104729) % 900))"
        )
        owner.execute(_statements("backdating.sql"))
        owner.execute("DELETE FROM outbox")
        owner.execute("DELETE FROM notice")


def date_endings(database_url: str) -> None:
    """What ended orders afterwards (time, refund, after-sales) happened when it was due."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(_statements("endings.sql"))
        owner.execute(_statements("bills.sql"))
        owner.execute("ANALYZE")


def date_supply(database_url: str) -> None:
    """Papers, contracts, payments and quarrels with suppliers get the times of their stories."""
    with psycopg.connect(database_url) as owner:
        owner.execute(_statements("supply.sql"))


def _statements(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").encode()
