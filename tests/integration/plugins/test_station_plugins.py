"""Settings of plugins on the real database: who sees what, what is stored, when objects change."""

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kameng import epoch
from kameng.db import db, main_scope, station_scope
from kameng.plugins import api
from kameng.plugins.api import ConfigInvalid, InTransaction, PluginState, PluginUnavailable
from kameng_sdk.outcomes import Outcome

HOSTILE = Path(__file__).resolve().parents[2] / "contracts" / "hostile"
CANARY = "canary-0f9e8d7c6b5a42"
PLUGIN = "payment-hostile"
POINTS = {
    "payment-hostile": "kameng_hostile_provider",
    "payment-balance": "kameng_payment_balance.plugin",
    "payment-watcher": "kameng_hostile_watcher",
    "risk-velocity": "kameng_risk_velocity.plugin",
    "risk-broken": "kameng_hostile_raises",
    "supplier-manual": "kameng_supplier_manual.plugin",
}


@pytest.fixture(scope="module", autouse=True)
def host(app, database):
    """The host with a known set of plugins, and two stations below the main one."""
    import psycopg

    sys.path.insert(0, str(HOSTILE))
    points = [EntryPoint(name, target, "kameng.plugins") for name, target in POINTS.items()]
    made = api.init_plugins(app, app.extensions["kameng.settings"], points)
    sys.path.remove(str(HOSTILE))
    with psycopg.connect(database, autocommit=True) as owner:
        for number, parent in ((1, None), (2, 1), (3, 1)):
            owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state)"
                " VALUES (%s, %s, %s, %s, %s, 'active') ON CONFLICT DO NOTHING",
                (number, parent, [1] if number == 1 else [1, number], f"st-{number}", f"S{number}"),
            )
    return made


@pytest.fixture(autouse=True)
def clean(app, owner):
    """Each test starts without settings and inside an app context."""
    owner.execute("DELETE FROM station_plugin")
    owner.execute("DELETE FROM audit_event")
    with app.app_context():
        epoch.renew()  # behind the product's back
        yield


def stored(owner):
    """All that a dump would show of the settings."""
    return json.dumps([str(row) for row in owner.execute("SELECT * FROM station_plugin")])


def states(station_id=1):
    return {info.id: info.state for info in api.list_plugins(station_id)}


def test_a_fresh_installation_has_its_built_in_plugins_on():
    found = states()
    assert found["payment-balance"] is PluginState.ENABLED
    assert found["risk-velocity"] is PluginState.ENABLED
    assert found["supplier-manual"] is PluginState.ENABLED
    assert found[PLUGIN] is PluginState.AVAILABLE
    assert found["risk-broken"] is PluginState.QUARANTINED


def test_O5_configured_and_switched_on_a_method_is_offered():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    assert [m.plugin_id for m in api.enabled_payment_methods(2)] == ["payment-balance"]
    api.set_enabled(1, PLUGIN, True, "staff:1")
    offered = {m.plugin_id: m for m in api.enabled_payment_methods(2)}
    assert offered[PLUGIN].code == "a"
    assert offered[PLUGIN].account_station_id == 1


def test_S8_a_secret_is_stored_sealed_and_never_comes_back(owner):
    api.configure(2, PLUGIN, {"key": CANARY, "way": "fine"}, "staff:1")
    form = api.config_form(PLUGIN, 2)
    secret = next(field for field in form.fields if field.field.name == "key")
    assert (secret.value, secret.tail) == (None, CANARY[-2:])
    assert secret.set_at
    assert CANARY not in repr(form)
    assert CANARY not in stored(owner)
    assert CANARY not in str(owner.execute("SELECT * FROM audit_event").fetchall())
    sealed = owner.execute("SELECT secrets FROM station_plugin").fetchone()[0]
    assert CANARY.encode() not in bytes(sealed)


def test_a_short_secret_does_not_even_show_its_end():
    api.configure(1, PLUGIN, {"key": "abc123"}, "staff:1")
    assert [field.tail for field in api.config_form(PLUGIN, 1).fields if field.set_at] == [""]


def test_an_empty_secret_is_kept_and_clearing_is_an_action():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    api.set_enabled(1, PLUGIN, True, "staff:1")
    api.configure(1, PLUGIN, {"key": "", "way": "fine"}, "staff:1")
    assert states()[PLUGIN] is PluginState.ENABLED
    api.clear_secret(1, PLUGIN, "key", "staff:1")
    assert states()[PLUGIN] is PluginState.MISCONFIGURED
    with pytest.raises(ConfigInvalid):
        api.clear_secret(1, PLUGIN, "way", "staff:1")


def test_a_wrong_form_changes_nothing(owner):
    with pytest.raises(ConfigInvalid) as caught:
        api.configure(1, PLUGIN, {"key": CANARY, "nonsense": "1"}, "staff:1")
    assert caught.value.errors == {"nonsense": "unknown"}
    assert owner.execute("SELECT count(*) FROM station_plugin").fetchone() == (0,)


def test_a_station_never_sees_the_main_stations_values():
    api.configure(1, PLUGIN, {"key": CANARY, "way": "main-way"}, "staff:1")
    form = api.config_form(PLUGIN, 2)
    assert not form.own_values
    assert all(field.value is None and not field.set_at for field in form.fields)


def test_a_stations_own_account_is_its_own():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    api.set_enabled(1, PLUGIN, True, "staff:1")
    assert api.provider(2, PLUGIN).account_station_id == 1
    api.configure(2, PLUGIN, {"way": "fine"}, "staff:2")
    assert states(2)[PLUGIN] is PluginState.MISCONFIGURED  # the main station's key is not its own
    api.configure(2, PLUGIN, {"key": "own-own-own-own"}, "staff:2")
    assert api.provider(2, PLUGIN).account_station_id == 2
    assert api.provider(3, PLUGIN).account_station_id == 1
    api.use_main_account(2, PLUGIN, "staff:2")
    assert api.provider(2, PLUGIN).account_station_id == 1


def test_an_object_lives_as_long_as_its_configuration():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    first = api.provider(2, PLUGIN)
    assert api.provider(3, PLUGIN).provider is first.provider
    assert (api.provider(3, PLUGIN).station_id, first.station_id) == (3, 2)
    version = api.configure(1, PLUGIN, {"way": "fine"}, "staff:1")
    second = api.provider(2, PLUGIN)
    assert second.provider is not first.provider
    assert second.config_version == version == first.config_version + 1


def test_switched_off_means_no_new_charge_and_still_queries():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    assert api.provider(2, PLUGIN).query("1").outcome is Outcome.UNKNOWN
    with pytest.raises(PluginUnavailable, match="switched off"):
        api.provider(2, PLUGIN, switched_on=True)


def test_a_station_switches_a_shared_account_off_for_itself():
    api.set_enabled(2, "payment-balance", False, "staff:2")
    assert api.enabled_payment_methods(2) == []
    assert [m.code for m in api.enabled_payment_methods(3)] == ["balance"]
    api.set_enabled(1, "payment-balance", False, "staff:1")
    assert api.enabled_payment_methods(3) == []


def test_settings_that_the_plugin_refuses_are_shown_without_the_secret(owner):
    api.configure(1, PLUGIN, {"key": CANARY, "way": "build_raises"}, "staff:1")
    api.set_enabled(1, PLUGIN, True, "staff:1")
    assert [m.plugin_id for m in api.enabled_payment_methods(1)] == ["payment-balance"]
    info = next(info for info in api.list_plugins() if info.id == PLUGIN)
    assert info.state is PluginState.MISCONFIGURED
    assert "Misconfigured" in info.reason
    assert CANARY not in stored(owner) + info.reason
    assert next(i for i in api.list_plugins(2) if i.id == PLUGIN).reason == ""


def test_R1_a_station_cannot_touch_its_guard():
    with pytest.raises(PluginUnavailable, match="main station"):
        api.set_enabled(2, "risk-velocity", False, "staff:2")
    with pytest.raises(PluginUnavailable, match="main station"):
        api.configure(2, "risk-velocity", {"threshold": 1000}, "staff:2")
    (rule,) = api.risk_rules(2)
    assert rule.needs[0].window_s == 60


def test_a_broken_guard_fails_instead_of_vanishing(owner):
    from kameng_sdk.risk import RiskStage, RiskSubject

    api.configure(1, "risk-velocity", {"threshold": 1}, "staff:1")
    owner.execute(
        "INSERT INTO station_plugin(station_id, plugin_id, enabled, token)"
        " VALUES (1, 'risk-broken', true, 't')"
    )
    rules = api.risk_rules(2)
    assert sorted(rule.plugin_id for rule in rules) == ["risk-broken", "risk-velocity"]
    subject = RiskSubject(stage=RiskStage.ORDER, order_kind="card", station_ref="2", ip="")
    for rule in rules:
        with pytest.raises(api.RuleFailed):
            rule.evaluate(subject)


def test_a_callback_token_names_one_station_and_one_plugin():
    paths = {station: api.hook_path(station, PLUGIN) for station in (1, 2, 3)}
    assert len(set(paths.values())) == 3
    assert paths[2] == api.hook_path(2, PLUGIN)
    token = paths[2].removeprefix(f"/hooks/{PLUGIN}/")
    assert len(token) >= 32
    assert api.resolve_token(PLUGIN, token) == (2, "")
    assert api.resolve_token("payment-balance", token) is None
    for wrong in ("", token + "x", "x" * 5000, "中"):
        assert api.resolve_token(PLUGIN, wrong) is None


def test_a_token_alone_gives_a_station_no_account_of_its_own():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    api.set_enabled(1, PLUGIN, True, "staff:1")
    api.hook_path(2, PLUGIN)
    assert api.account_station(2, PLUGIN) == 1
    assert states(2)[PLUGIN] is PluginState.ENABLED
    assert not api.config_form(PLUGIN, 2).own_values


def test_no_plugin_is_called_inside_a_transaction():
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    with station_scope(2):
        db.session.execute(text("SELECT 1"))
        provider = api.provider(2, PLUGIN)
        with pytest.raises(InTransaction):
            provider.query("1")
        db.session.commit()
        assert provider.query("1").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "statement",
    ["SELECT secrets FROM station_plugin", "UPDATE station_plugin SET enabled = true"],
)
def test_pages_of_a_station_have_no_right_to_the_settings(statement):
    with station_scope(2), pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))


def test_a_row_copied_to_another_station_does_not_open(owner):
    api.configure(2, PLUGIN, {"key": CANARY}, "staff:2")
    owner.execute(
        "INSERT INTO station_plugin(station_id, plugin_id, enabled, config, secrets, secrets_meta,"
        " config_version, token)"
        " SELECT 3, plugin_id, true, config, secrets, secrets_meta, 1, 'stolen'"
        " FROM station_plugin WHERE station_id = 2"
    )
    with pytest.raises(PluginUnavailable, match="cannot be opened"):
        api.provider(3, PLUGIN)


def test_every_change_is_in_the_audit_trail(owner):
    api.configure(2, PLUGIN, {"key": CANARY}, "staff:7")
    api.set_enabled(2, PLUGIN, True, "staff:7")
    api.clear_secret(2, PLUGIN, "key", "staff:7")
    rows = owner.execute(
        "SELECT actor, action, subject FROM audit_event WHERE station_id = 2 ORDER BY id"
    ).fetchall()
    assert rows == [
        ("staff:7", action, f"plugin:{PLUGIN}")
        for action in ("plugin.configure", "plugin.enable", "plugin.clear_secret")
    ]


def test_S10_after_a_rotation_all_secrets_are_sealed_anew(owner):
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    api.configure(2, PLUGIN, {"key": "other-other-other"}, "staff:2")
    before = owner.execute("SELECT secrets FROM station_plugin ORDER BY 1").fetchall()
    assert api.reseal_all() == 2
    assert owner.execute("SELECT secrets FROM station_plugin ORDER BY 1").fetchall() != before
    assert api.provider(2, PLUGIN).account_station_id == 2


def test_the_test_button_names_missing_settings_first():
    assert [problem.field for problem in api.check_config(1, PLUGIN)] == ["key"]
    api.configure(1, PLUGIN, {"key": CANARY}, "staff:1")
    assert api.check_config(1, PLUGIN) == []
    assert api.run_health(1, PLUGIN) is None


def test_an_unknown_or_faulty_plugin_is_named():
    for plugin_id, words in (("payment-none", "not installed"), ("risk-broken", "import failed")):
        with pytest.raises(PluginUnavailable, match=words):
            api.provider(1, plugin_id)


def test_every_code_of_a_wrong_value_has_words():
    with main_scope(reason="test"):
        assert api.explain("bad_url") != api.explain("not_money")


def test_the_manual_desk_takes_a_purchase():
    from kameng_sdk.money import Money
    from kameng_sdk.suppliers import PurchaseRequest

    request = PurchaseRequest(
        purchase_no="P1", sku_ref="1", quantity=1, inputs={}, max_cost=Money(1)
    )
    assert api.supplier("supplier-manual").purchase(request).outcome is Outcome.PENDING


def test_a_health_report_is_kept_without_the_secret(owner):
    api.configure(1, "payment-watcher", {"key": CANARY}, "staff:1")
    assert api.run_all_health() == 0  # not switched on
    api.set_enabled(1, "payment-watcher", True, "staff:1")
    assert api.run_all_health() == 1
    health = owner.execute("SELECT health FROM station_plugin").fetchone()[0]
    assert (health["status"], health["message"]) == ("degraded", "****")
    assert health["facts"] == {"key": "set to ****"}
    assert states()["payment-watcher"] is PluginState.ENABLED


def test_the_test_button_tells_the_plugins_problems_without_the_secret():
    api.configure(1, "payment-watcher", {"key": CANARY}, "staff:1")
    (problem,) = api.check_config(1, "payment-watcher")
    assert (problem.field, problem.message) == ("key", "**** is unknown")


def test_an_observer_is_told_and_may_fail():
    from kameng.jobs.registry import actors
    from kameng.plugins.tasks import OBSERVED

    watcher = sys.modules["kameng_hostile_watcher"]
    tell = actors()[f"plugins.observe.{OBSERVED[0]}"].fn
    tell(2, {"order_id": 7, "nested": {"secret": 1}})
    assert watcher.SEEN == []  # not switched on
    api.set_enabled(1, "payment-watcher", True, "staff:1")
    tell(2, {"order_id": 7, "nested": {"secret": 1}})
    (event,) = watcher.SEEN
    assert (event.topic, event.station_ref, event.payload) == (OBSERVED[0], "2", {"order_id": 7})
    watcher.SEEN.clear()


def test_simulators_come_with_the_id_of_their_plugin(tmp_path):
    from kameng_sdk.simulators import SimulatorEnvironment

    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://127.0.0.1:1/")
    ((plugin_id, simulator),) = api.simulators(environment)
    assert (plugin_id, simulator.name) == ("payment-watcher", "watcher")
    assert environment.url_of("watcher") == "http://127.0.0.1:1/watcher"
    assert (tmp_path / "watcher").is_dir()


def test_a_call_refused_because_of_the_settings_shows_in_the_list():
    from datetime import UTC, datetime

    from kameng_sdk.money import Money
    from kameng_sdk.payments import ChargeRequest

    api.configure(1, PLUGIN, {"key": CANARY, "way": "misconfigured"}, "staff:1")
    api.set_enabled(1, PLUGIN, True, "staff:1")
    request = ChargeRequest(
        attempt_no="1", amount=Money.from_fen(1), method="a", subject="x", notify_url="",
        return_url="", client_ip="", expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert api.provider(2, PLUGIN).charge(request).misconfigured
    info = next(info for info in api.list_plugins() if info.id == PLUGIN)
    assert (info.state, info.reason) == (PluginState.MISCONFIGURED, "no such merchant")
    api.configure(1, PLUGIN, {"way": "fine"}, "staff:1")
    assert states()[PLUGIN] is PluginState.ENABLED
