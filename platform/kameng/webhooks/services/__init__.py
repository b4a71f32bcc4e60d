"""Use cases of webhooks: endpoints, messages, deliveries."""
