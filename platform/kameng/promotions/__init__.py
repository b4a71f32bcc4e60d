"""Promotions: flash sales."""
