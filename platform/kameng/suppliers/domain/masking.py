"""Accounts of shoppers, for those who no longer need them. Pure."""

from __future__ import annotations


def masked(value: str) -> str:
    """`138****1234`; of a short text only its ends are left."""
    if len(value) >= 8:
        return f"{value[:3]}****{value[-4:] if len(value) >= 11 else value[-2:]}"
    return "*" * len(value) if len(value) <= 2 else f"{value[:1]}***{value[-1:]}"
