"""Servers of the operator's own: reachable, and new enough? Said in words when not."""

from __future__ import annotations

import psycopg
import redis

from kameng.ops.errors import OpsError

POSTGRES_AT_LEAST = 150000
REDIS_AT_LEAST = 7


def check_postgres(url: str) -> str:
    """Version of the server at the owner's address. Raises `OpsError`."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            number = connection.info.server_version
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        raise OpsError(
            f"PostgreSQL at KAMENG_DATABASE_URL does not let us in: {str(error).strip()}",
            "Check address, name and password; the role must own the database.",
        ) from error
    if number < POSTGRES_AT_LEAST:
        raise OpsError(
            f"PostgreSQL {number // 10000} is too old; Kameng needs 15 or newer.",
            "Upgrade it, or leave KAMENG_DATABASE_URL unset to use the embedded PostgreSQL 18.",
        )
    return f"PostgreSQL {row[0] if row else number}"


def check_redis(url: str) -> str:
    """Name and version of the server at the address. Raises `OpsError`."""
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            info = client.info("server")
    except (redis.RedisError, ValueError) as error:
        raise OpsError(
            f"Redis at KAMENG_REDIS_URL does not answer: {error}",
            "Check the address (redis://, rediss:// or unix://) and password.",
        ) from error
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    version = str(info.get("redis_version", "0"))
    if int(version.split(".")[0]) < REDIS_AT_LEAST:
        raise OpsError(
            f"Redis {version} is too old; Kameng needs Redis 7 or Valkey.",
            "Upgrade it, or leave KAMENG_REDIS_URL unset to use the embedded Valkey.",
        )
    return f"Redis {version}"
