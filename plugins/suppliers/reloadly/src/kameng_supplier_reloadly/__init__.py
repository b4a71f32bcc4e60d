"""Reloadly as supplier: phone top-ups and gift cards of one account."""
