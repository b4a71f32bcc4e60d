"""A stand-in for Stripe: real protocol, pretended money."""

from .app import StripeSimulator

__all__ = ["StripeSimulator"]
