"""The demo: a market with three stations, forty products and ninety days of life."""

from kameng.ops.demo.seeding import seed

__all__ = ["seed"]
