"""One place that turns a libpq address into SQLAlchemy's spelling."""

from __future__ import annotations


def sqlalchemy_url(url: str) -> str:
    """`postgresql://…` → `postgresql+psycopg://…`; other drivers are refused."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    if url.startswith("postgresql+psycopg://"):
        return url
    raise ValueError("KAMENG_DATABASE_URL must be a postgresql:// address")
