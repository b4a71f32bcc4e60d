"""Each deliberately bad plugin fails at the check that is there for it, and at no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from kameng_sdk.kit.finding import Installed
from kameng_sdk.kit.report import FAILED
from kameng_sdk.kit.running import verify

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "plugins" / "_template"
KINDS = ("supplier", "payment", "risk", "theme")
ALONE = {
    "imports_host": "static.imports",
    "imports_other_plugin": "static.imports",
    "imports_undeclared": "static.imports",
    "id_differs": "static.identity",
    "api_newer": "static.api_version",
    "unknown_hook": "static.hooks",
    "other_factory": "static.factory",
    "open_secret": "static.settings",
    "io_at_import": "static.import_io",
    "thread_at_import": "static.import_threads",
    "pickles": "static.pickling",
    "no_simulator": "contract.simulator",
    "settings_ignored": "contract.configuration",
    "two_objects": "contract.build",
    "undeclared_works": "contract.undeclared",
    "declines_on_html": "fault.html",
    "succeeds_on_error": "fault.server_error",
    "buys_twice": "fault.second_request",
    "follows_redirects": "fault.redirect",
    "leaks_code": "contract.secrets",
    "shows_key": "contract.secrets",
    "hangs": "contract.deadline",
    "wrong_types": "contract.types",
    "changing_rules": "contract.constant",
    "goes_around": "contract.way_out",
    "accepts_forged": "fault.callback_forged",
    "new_event_ids": "contract.callback",
    "shared_state": "contract.threads",
    "idempotent_lie": "contract.idempotent",
    "paid_too_early": "contract.query",
    "trips_over_notices": "fault.callback_empty",
    "blind_rule": "fault.missing_count",
}
# A fault that cannot stay alone: what is unsafe at one call is unsafe from end to end.
TOGETHER = {
    "declines_on_timeout": ["e2e.buy_once", "fault.no_answer"],
    "books_in_yuan": ["e2e.lost_answer", "e2e.paid_once"],
    "moody_rule": ["contract.pure", "contract.threads"],
}


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bad plugins and the templates they spoil; imported anew by each test."""
    places = [HERE / "bad", *(TEMPLATES / kind / "src" for kind in KINDS)]
    for place in places:
        monkeypatch.syspath_prepend(str(place))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {p.stem for p in (HERE / "bad").iterdir()} | set(
            own_packages()
        ):
            del sys.modules[name]


def own_packages() -> dict[str, Path]:
    return {f"example_{kind}": TEMPLATES / kind / "src" / f"example_{kind}" for kind in KINDS}


def bad(name: str) -> Installed:
    """A bad plugin as if it were installed, together with the sound one that it is made of."""
    source = (HERE / "bad" / f"{name}.py").read_text(encoding="utf-8")
    (kind,) = {kind for kind in KINDS if f"from example_{kind}" in source}
    plugin_id = f"{kind}-other" if name == "id_differs" else f"{kind}-example"
    helpers = {"around": HERE / "bad" / "around.py"} if "from around" in source else {}
    sound = {f"example_{kind}": own_packages()[f"example_{kind}"]}
    return Installed(
        entry=EntryPoint(plugin_id, name, "kameng.plugins"),
        packages={name: HERE / "bad" / f"{name}.py", **helpers, **sound},
    )


def failures(name: str) -> dict[str, str]:
    return {found.check: found.reason for found in verify(bad(name)).of(FAILED)}


@pytest.mark.parametrize(("name", "check"), ALONE.items())
def test_it_fails_at_its_check_and_at_no_other(name: str, check: str) -> None:
    found = failures(name)
    assert list(found) == [check], found


@pytest.mark.parametrize(("name", "checks"), TOGETHER.items())
def test_what_cannot_stay_alone_fails_at_all_of_these(name: str, checks: list[str]) -> None:
    found = failures(name)
    assert sorted(found) == checks, found


def test_every_bad_plugin_is_among_them() -> None:
    files = {path.stem for path in (HERE / "bad").glob("*.py")} - {"around"}
    assert files == set(ALONE) | set(TOGETHER)
    assert len(files) >= 14
