"""The declarative base, and the money type of mapped columns."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    """All mapped classes. Tables are made by migrations, never by metadata."""


Amount = Annotated[int, mapped_column(BigInteger)]  # scale 4: 10 000 = 1 yuan
BigId = Annotated[int, mapped_column(BigInteger, primary_key=True)]

__all__ = ["Amount", "Base", "BigId"]
