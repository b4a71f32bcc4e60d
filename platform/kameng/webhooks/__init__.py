"""Webhooks: members' programs are told what has happened, again and again until they have it."""
