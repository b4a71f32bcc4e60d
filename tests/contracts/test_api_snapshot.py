"""The plugin API changes only on purpose, and with a number."""

from __future__ import annotations

import difflib
import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kameng_sdk.manifest import API_VERSION

HERE = Path(__file__).parent
ADVICE = """
The public surface of kameng_sdk is not what {name} says:

{diff}

On purpose? Then raise the minor number of API_VERSION in kameng_sdk/manifest.py (the major one if
something was removed, renamed or means something else), say it in CHANGELOG.md under "Plugin API",
and write it down: python tests/contracts/api.py
"""


@pytest.fixture(scope="module")
def api() -> Any:
    """The module beside this one; tests are no package."""
    spec = importlib.util.spec_from_file_location("kameng_test_api", HERE / "api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_surface_is_the_recorded_one(api: Any) -> None:
    file = api.recorded()
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    found = api.surface()
    diff = "\n".join(
        difflib.unified_diff(
            known.splitlines(), found.splitlines(), file.name, "now", n=1, lineterm=""
        )
    )
    assert known == found, ADVICE.format(name=file.name, diff=diff)


def test_every_hook_and_every_capability_stands_in_it(api: Any) -> None:
    text = api.surface()
    assert text.startswith(f"API {API_VERSION}\n")
    for line in (
        "def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]",
        "  def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult",
        "  *, number_is_idempotent: bool = False",
        "  CANCEL = 512",
        "  classmethod from_fen(cls, fen: int, currency: str = 'CNY') -> Money",
    ):
        assert line in text.splitlines(), line


def test_a_later_minor_only_adds_to_the_one_before(api: Any) -> None:
    """Lines of a recorded minor may not be missing in the next; new ones may stand between."""
    files = sorted(
        HERE.glob(f"api_{API_VERSION.major}_*.txt"), key=lambda p: int(p.stem.split("_")[2])
    )
    for older, newer in pairwise(files):
        gone = set(older.read_text("utf-8").splitlines()) - set(
            newer.read_text("utf-8").splitlines()
        )
        assert {line for line in gone if line.startswith(("class", "def", "  "))} == set()
    assert files[-1].name == f"api_{API_VERSION.major}_{API_VERSION.minor}.txt"
