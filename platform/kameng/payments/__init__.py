"""Payments: attempts to collect, notices, queries, refunds. Each attempt has its own state."""
