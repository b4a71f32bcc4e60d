"""A broken plugin is found out before it is used, its reason is told, its neighbour goes on."""

import time

import pytest

from kameng.plugins.discovery import PluginState, discover
from kameng_sdk.manifest import API_VERSION

QUARANTINED, INCOMPATIBLE = PluginState.QUARANTINED, PluginState.INCOMPATIBLE


@pytest.mark.parametrize(
    ("target", "state", "reason"),
    [
        ("raises", QUARANTINED, "import failed: RuntimeError: no database for you"),
        ("exits", QUARANTINED, "import failed: Died: SystemExit"),
        ("absent", QUARANTINED, "import failed: ModuleNotFoundError"),
        ("manifests:wrong_major", INCOMPATIBLE, f"needs API 2.0, this is {API_VERSION}"),
        ("manifests:newer_minor", INCOMPATIBLE, f"needs API 1.99, this is {API_VERSION}"),
        ("manifests:other_id", QUARANTINED, "the manifest says 'payment-epay'"),
        ("manifests:dictionary", QUARANTINED, "did not give a PluginManifest"),
        ("manifests:nothing", QUARANTINED, "must answer exactly once"),
        ("manifests:missing", QUARANTINED, "must answer exactly once"),
        ("manifests:raises", QUARANTINED, "kameng_manifest failed: KeyError"),
        ("manifests:hangs", QUARANTINED, "kameng_manifest took longer than 2 s"),
        ("manifests:unknown_hook", QUARANTINED, "hooks do not fit: unknown hook"),
        ("manifests:unknown_argument", QUARANTINED, "hooks do not fit"),
        ("manifests:other_kind", QUARANTINED, "implements kameng_payment_providers and no other"),
    ],
)
def test_each_fault_is_told_and_the_neighbour_works(entry, sound, target, state, reason):
    found = discover(found=[entry("payment-bad", target), sound])
    bad = found["payment-bad"]
    assert (bad.fault, bad.manifest, bad.manager) == (state, None, None)
    assert reason in bad.reason
    assert found["payment-sound"].fault is None


def test_an_import_that_hangs_is_given_up(entry, sound):
    started = time.monotonic()
    found = discover(found=[entry("payment-bad", "hangs"), sound], import_s=0.5)
    assert time.monotonic() - started < 5
    assert "import took longer than" in found["payment-bad"].reason
    assert found["payment-sound"].fault is None


def test_what_is_denied_is_not_even_imported(entry, sound):
    found = discover(["payment-bad"], [entry("payment-bad", "exits"), sound])
    assert found["payment-bad"].denied
    assert "deny list" in found["payment-bad"].reason
    assert found["payment-sound"].fault is None


def test_two_claims_to_one_id_leave_none(entry, sound):
    found = discover(found=[sound, entry("payment-sound", "manifests:other_id")])
    assert found["payment-sound"].reason == "two distributions claim this id"


def test_the_order_of_installation_does_not_matter(entry, sound):
    other = entry("payment-bad", "raises")
    assert list(discover(found=[sound, other])) == list(discover(found=[other, sound]))
