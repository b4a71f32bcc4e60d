"""Stripe Checkout for Kameng, by the official client."""
