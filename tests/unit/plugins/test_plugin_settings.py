"""Fields, sealing, and which settings count: the pure part of configuration."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kameng.plugins.effective import effective
from kameng.plugins.fields import ConfigInvalid, read_changes, typed_value
from kameng.plugins.sealing import SealBroken, Sealer
from kameng.plugins.store import PluginRow, RowPair
from kameng.settings import Settings, SettingsError
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
SETTINGS = Settings(demo=True, master_key=KEY)

MANIFEST = PluginManifest(
    id="payment-x", kind=PluginKind.PAYMENT, name="X", version="1", api_version=(1, 0),
    description="d", author="a",
    config_fields=(
        ConfigField(name="gateway", label="G", kind="url", required=True),
        ConfigField(name="key", label="K", secret=True, required=True),
        ConfigField(name="pem", label="P", kind="text"),
        ConfigField(name="count", label="C", kind="int", default=3),
        ConfigField(name="on", label="O", kind="bool"),
        ConfigField(name="way", label="W", kind="choice", choices=(("a", "A"), ("b", "B"))),
        ConfigField(name="fee", label="F", kind="money", default=Money(100)),
        ConfigField(name="pid", label="I", pattern=r"[0-9]{4}"),
        ConfigField(name="agent", label="T", scope="main"),
    ),
)  # fmt: skip


def row(station, version=1, **changes):
    given = PluginRow(
        station, "payment-x", True, {"gateway": f"https://s{station}.example"},
        Sealer(SETTINGS).seal(station, "payment-x", {"key": f"secret of {station}"}),
        {"key": {"set_at": "", "tail": ""}}, version, "token", {}, datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    return replace(given, **changes)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("nothing", "1", "unknown"), ("agent", "x", "main_only"), ("gateway", "ftp://x", "bad_url"),
     ("gateway", "https://u:p@x.example", "bad_url"), ("gateway", "https:///x", "bad_url"),
     ("gateway", "javascript:alert(1)", "bad_url"), ("gateway", "http://[x", "bad_url"),
     ("count", "1.5", "not_whole"), ("count", True, "not_whole"), ("on", "maybe", "not_flag"),
     ("way", "c", "not_choice"), ("fee", "-1", "not_money"), ("fee", "1e3", "not_money"),
     ("pid", "12345", "bad_pattern"), ("pid", "1234\n5", "not_text"), ("pem", "\x00", "not_text"),
     ("key", "x" * 501, "too_long"), ("pid", 7, "not_text")],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_field(name, value, code):
    with pytest.raises(ConfigInvalid) as caught:
        read_changes(MANIFEST, {"way": "a", name: value}, main=False)
    assert caught.value.errors == {name: code}


def test_right_values_are_read_as_their_kind():
    given = {
        "gateway": " https://x.example:8443/a ", "key": "s3cret", "pem": "a\r\nb", "count": "5",
        "on": "on", "way": "b", "fee": "0.5", "pid": "1234",
    }  # fmt: skip
    changes = read_changes(MANIFEST, given, main=False)
    assert changes.plain == {
        "gateway": "https://x.example:8443/a", "pem": "a\nb", "count": 5, "on": True, "way": "b",
        "fee": "0.5", "pid": "1234",
    }  # fmt: skip
    assert changes.secrets == {"key": "s3cret"}


def test_an_empty_secret_is_kept_and_another_empty_field_is_cleared():
    changes = read_changes(MANIFEST, {"key": "", "pid": " "}, main=False)
    assert (changes.plain, changes.secrets) == ({"pid": None}, {})


def test_stored_values_become_typed_ones():
    field = {declared.name: declared for declared in MANIFEST.config_fields}
    assert typed_value(field["fee"], "0.5", None) == Money(5_000)
    assert typed_value(field["fee"], None, None) == Money(100)
    assert typed_value(field["key"], None, "x") == Secret("x")
    assert typed_value(field["key"], None, None) is None


def test_what_is_sealed_opens_only_in_its_own_row():
    sealer = Sealer(SETTINGS)
    sealed = sealer.seal(2, "payment-x", {"key": "canary"})
    assert b"canary" not in sealed
    assert sealer.open(2, "payment-x", sealed) == {"key": "canary"}
    assert sealer.seal(2, "payment-x", {"key": "canary"}) != sealed
    for station, plugin in ((3, "payment-x"), (2, "payment-y")):
        with pytest.raises(SealBroken):
            sealer.open(station, plugin, sealed)
    for broken in (
        sealed[:-1],
        b"\x02" + sealed[1:],
        sealed[:5],
        sealed[:-1] + bytes([sealed[-1] ^ 1]),
    ):
        with pytest.raises(SealBroken):
            sealer.open(2, "payment-x", broken)


def test_S10_the_previous_master_key_still_opens():
    sealed = Sealer(SETTINGS).seal(2, "payment-x", {"key": "v"})
    rotated = replace(SETTINGS, master_key=OTHER_KEY, master_key_previous=KEY)
    assert Sealer(rotated).open(2, "payment-x", sealed) == {"key": "v"}
    with pytest.raises(SealBroken):
        Sealer(replace(SETTINGS, master_key=OTHER_KEY)).open(2, "payment-x", sealed)


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"x" * 31).decode()])
def test_a_bad_master_key_is_refused(key):
    with pytest.raises(SettingsError):
        Sealer(replace(SETTINGS, master_key=key))


def test_without_values_of_its_own_a_station_uses_the_main_account():
    for own in (None, row(2, version=0, sealed=None, secrets_meta={}, config={})):
        found = effective(MANIFEST, 2, RowPair(own, row(1)))
        assert (found.account_station_id, found.enabled) == (1, True)
        config = found.config(Sealer(SETTINGS))
        assert config.secret("key").reveal() == "secret of 1"


def test_with_values_of_its_own_nothing_comes_from_the_main_station():
    half = row(2, sealed=None, secrets_meta={})
    found = effective(MANIFEST, 2, RowPair(half, row(1, enabled=False)))
    assert (found.account_station_id, found.enabled) == (2, True)
    assert found.missing() == ["key"]
    config = found.config(Sealer(SETTINGS))
    assert config.text("gateway") == "https://s2.example"
    assert config["key"] is None


def test_a_field_of_the_main_station_is_the_same_everywhere():
    main = row(1, config={"gateway": "https://m.example", "agent": "7"})
    own = row(2, config={"gateway": "https://s.example", "agent": "forged"})
    config = effective(MANIFEST, 2, RowPair(own, main)).config(Sealer(SETTINGS))
    assert config.text("agent") == "7"


@pytest.mark.parametrize(
    ("main_on", "own_on", "expected"),
    [(True, True, True), (True, False, False), (False, True, False), (True, None, True)],
)
def test_a_shared_account_needs_both_switches(main_on, own_on, expected):
    own = None if own_on is None else row(2, version=0, enabled=own_on)
    found = effective(MANIFEST, 2, RowPair(own, row(1, enabled=main_on)))
    assert found.enabled is expected


def test_a_restricted_plugin_listens_to_the_main_station_alone():
    restricted = replace(MANIFEST, restricted=True)
    found = effective(restricted, 2, RowPair(row(2, enabled=False), row(1)))
    assert (found.enabled, found.account_station_id) == (True, 1)


def test_without_any_row_the_manifest_decides():
    assert not effective(MANIFEST, 2, RowPair()).enabled
    born_on = PluginManifest(
        id="payment-y", kind=PluginKind.PAYMENT, name="Y", version="1", api_version=(1, 0),
        description="d", author="a", on_by_default=True,
    )  # fmt: skip
    assert effective(born_on, 2, RowPair()).enabled
    assert effective(born_on, 1, RowPair()).enabled


def test_a_changed_configuration_is_another_version():
    one = effective(MANIFEST, 2, RowPair(row(2), row(1)))
    assert one.version == effective(MANIFEST, 2, RowPair(row(2), row(1))).version
    assert one.version != effective(MANIFEST, 2, RowPair(row(2, version=2), row(1))).version
    assert one.version != effective(MANIFEST, 2, RowPair(row(2), row(1, version=2))).version
