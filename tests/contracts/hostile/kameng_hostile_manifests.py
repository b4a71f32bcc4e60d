"""Manifests that do not hold what they promise; each class is an entry point of its own."""

import time

from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import PluginKind, PluginManifest


def manifest(**changes):
    given = {
        "id": "payment-bad", "kind": PluginKind.PAYMENT, "name": "Bad", "version": "1",
        "api_version": (1, 0), "description": "Bad.", "author": "Tests",
    }  # fmt: skip
    return PluginManifest(**{**given, **changes})


class Base:
    @hookimpl
    def kameng_payment_providers(self, config):
        return ()


class WrongMajor(Base):
    @hookimpl
    def kameng_manifest(self):
        return manifest(api_version=(2, 0))


class NewerMinor(Base):
    @hookimpl
    def kameng_manifest(self):
        return manifest(api_version=(1, 99))

    @hookimpl
    def kameng_of_tomorrow(self):
        return None


class OtherId(Base):
    @hookimpl
    def kameng_manifest(self):
        return manifest(id="payment-epay")


class Dictionary(Base):
    @hookimpl
    def kameng_manifest(self):
        return {"id": "payment-bad"}


class Nothing(Base):
    @hookimpl
    def kameng_manifest(self):
        return None


class Missing(Base):
    pass


class Raises(Base):
    @hookimpl
    def kameng_manifest(self):
        raise KeyError("id")


class Hangs(Base):
    @hookimpl
    def kameng_manifest(self):
        time.sleep(4)


class UnknownHook(Base):
    @hookimpl
    def kameng_manifest(self):
        return manifest()

    @hookimpl
    def kameng_take_over(self):
        return None


class UnknownArgument:
    @hookimpl
    def kameng_manifest(self):
        return manifest()

    @hookimpl
    def kameng_payment_providers(self, config, database):
        return ()


class OtherKind:
    """Says payment and registers risk rules: what staff approved is not what runs."""

    @hookimpl
    def kameng_manifest(self):
        return manifest()

    @hookimpl
    def kameng_risk_rules(self, config):
        return ()


wrong_major, newer_minor, other_id = WrongMajor(), NewerMinor(), OtherId()
dictionary, nothing, missing, raises, hangs = Dictionary(), Nothing(), Missing(), Raises(), Hangs()
unknown_hook, unknown_argument, other_kind = UnknownHook(), UnknownArgument(), OtherKind()
