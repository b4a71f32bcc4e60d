"""The documents say what the code has: nothing forgotten, nothing invented, no dead link."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from kameng.cli import cli
from kameng.ledger.services.checks import checks
from kameng.orders.domain import STATES as ORDER_STATES
from kameng.settings import Settings
from kameng.stations.domain import TRANSITIONS as STATION_STATES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LETTERS = {"T": 15, "S": 10, "M": 10, "O": 7, "R": 10, "X": 5}
REQUIREMENTS = [f"{letter}{n}" for letter, last in LETTERS.items() for n in range(1, last + 1)]
SCREENSHOTS = (
    "shop-home-phone", "shop-product-phone", "shop-checkout-phone", "shop-delivered-phone",
    "shop-home-night", "console-dashboard", "console-order", "console-money-trail", "console-statement", "console-cards",
)  # fmt: skip
BUILT = {"node_modules", "var", "dist", "build", "static"}
# The text as the Free Software Foundation publishes it.
AGPL_3 = "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "npmmirror" + ".com",
)
MACHINE_PATH = re.compile(r"(?<![\w./<>-])/(?:work|opt|root|home|Users|mnt|tmp)/")
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")


def markdown() -> list[Path]:
    """Every page of the repository, not of what is installed or built in it."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        below = [name for name in folders if not name.startswith(".") and name not in BUILT]
        folders[:] = [name for name in below if not (Path(folder) / name / "pyvenv.cfg").exists()]
        found += [Path(folder) / name for name in files if name.endswith(".md")]
    return sorted(found)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """Cells of every table row, heads and rulers left out."""
    found = []
    for line in without_code(text).splitlines():
        if line.startswith("| ") and not set(line) <= set("|- "):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def first_names(text: str, pattern: str) -> list[str]:
    """What stands in the first cell of the rows whose first cell is such a name."""
    return [m.group(1) for row in rows(text) if (m := re.fullmatch(pattern, row[0]))]


def anchors(path: Path) -> set[str]:
    """Link targets that the headings of a page make."""
    heads = re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    plain = [re.sub(r"[`*_\[\]]", "", head).lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).strip().replace(" ", "-") for head in plain}


def commands(group: click.Group, prefix: str = "kameng") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def shown_default(value: object) -> str:
    if value == "":
        return "empty"
    return f"`{int(value)}`" if isinstance(value, bool) else f"`{value}`"


def test_every_setting_is_documented_with_its_default() -> None:
    table = rows(page("operators/settings.md"))
    documented = {row[0]: row[1] for row in table if len(row) == 3 and row[0] != "variable"}
    expected = {f"`KAMENG_{field.name.upper()}`": field.default for field in fields(Settings)}
    assert MISSING not in expected.values()
    assert {name: shown_default(value) for name, value in expected.items()} == documented


def test_every_command_is_documented_with_its_options() -> None:
    documented = first_names(page("operators/commands.md"), r"`(kameng [^`]+)`")
    wanted = {}
    for name, command in commands(cli):
        options = {o for p in command.params for o in p.opts if isinstance(p, click.Option)}
        wanted[name] = options
    found = {
        re.split(r" [\[<]", text)[0]: set(re.findall(r"--[\w-]+", text)) for text in documented
    }
    assert found == wanted


def test_no_page_names_a_command_that_does_not_exist() -> None:
    known = {name for name, _command in commands(cli)}
    known |= {name.rpartition(" ")[0] for name in known}
    wrong = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in markdown()
        for text in re.findall(r"`(?:\.venv/bin/)?(kameng [a-z][^`]*)`", path.read_text("utf-8"))
        if not any(text == name or text.startswith(name + " ") for name in known)
    ]
    assert wrong == []


def test_no_page_names_a_target_that_make_does_not_have() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        word
        for path in markdown()
        for word in re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z]+)[ `]", path.read_text("utf-8"))
    }
    assert {"up", "test", "check"} <= named <= targets


def test_every_check_of_the_books_is_documented() -> None:
    documented = first_names(page("operators/ledger.md"), r"`(\w+)`")
    assert documented == [check.name for check in checks()]


def test_every_requirement_has_an_honest_row() -> None:
    table = {row[0]: row for row in rows(page("features.md")) if re.fullmatch(r"[A-Z]\d+", row[0])}
    assert list(table) == REQUIREMENTS
    for number, (_id, _what, state, how) in table.items():
        assert state in ("works", "partly", "not yet"), number
        assert state == "not yet" or how != "–", f"{number}: say how to see it"


def test_features_name_menus_that_the_console_has() -> None:
    source = "".join(p.read_text("utf-8") for p in ROOT.glob("admin/kameng_admin/views/*.py"))
    menus = set(re.findall(r'Place\(_l\("(\w+)"\), _l\("(\w+)"\)', source))
    named = set(re.findall(r"(\w+) › (\w+)", page("features.md")))
    assert named
    assert named <= menus


@pytest.mark.parametrize("path", markdown(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_internal_link_leads_somewhere(path: Path) -> None:
    dead = []
    for target in LINK.findall(without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        aim = (path.parent / name).resolve() if name else path
        there = aim.is_relative_to(ROOT) and aim.exists()
        if not there or (anchor and anchor not in anchors(aim)):
            dead.append(target)
    assert dead == []


def test_the_readme_shows_every_screenshot() -> None:
    shown = re.findall(r"\(docs/images/([\w-]+)\.png\)", (ROOT / "README.md").read_text("utf-8"))
    assert sorted(shown) == sorted(SCREENSHOTS)


def test_no_page_names_a_registry_or_a_path_of_somebodys_machine() -> None:
    found = []
    for path in markdown():
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)}: {host}" for host in REGISTRIES if host in text]
        found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in MACHINE_PATH.finditer(text)]
    assert found == []


def records() -> list[Path]:
    return sorted((DOCS / "adr").glob("[0-9]*.md"))


def test_every_decision_is_listed_under_its_title() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", page("adr/README.md"), re.MULTILINE
    )
    titles = [re.match(r"# (\d{4}) (.+)\n", path.read_text("utf-8")) for path in records()]
    wanted = [
        (title.group(1), path.name, title.group(2))
        for path, title in zip(records(), titles, strict=True)
        if title
    ]
    assert listed == wanted
    assert [int(number) for number, _file, _title in listed] == list(range(1, len(listed) + 1))


@pytest.mark.parametrize("path", records(), ids=lambda p: p.stem)
def test_a_decision_says_why_what_and_what_follows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    heads = re.findall(r"^## (\w+)", text, re.MULTILINE)
    assert "Status: " in text
    assert [head for head in heads if head in ("Context", "Decision", "Consequences")] == [
        "Context", "Decision", "Consequences",
    ]  # fmt: skip


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    needed += [
        line for extra in project["project"]["optional-dependencies"].values() for line in extra
    ]
    names = {re.split(r"[\[<>=~!; ]", line)[0] for line in needed}
    text = page("adr/0015-dependencies.md")
    assert {name for name in names if name not in text} == set()


def test_every_plugin_is_linked_from_the_architecture() -> None:
    folders = [path.parent.relative_to(ROOT) for path in ROOT.glob("plugins/*/*/pyproject.toml")]
    missing = [str(f) for f in folders if f"(../{f}/README.md)" not in page("architecture.md")]
    assert missing == []


def test_every_context_has_a_row_in_the_architecture() -> None:
    technical = {"db", "jobs", "plugins", "web", "ops", "locales"}
    folders = {p.parent.name for p in ROOT.glob("platform/kameng/*/__init__.py")} - technical
    assert folders <= set(first_names(page("architecture.md"), r"`(\w+)`"))


def test_every_state_is_in_the_glossary() -> None:
    text = page("glossary.md")
    assert [state for state in (*ORDER_STATES, *STATION_STATES) if f"`{state}`" not in text] == []


def test_every_address_of_the_core_is_documented() -> None:
    """Probes and callbacks; pages are for people and change freely.

    The open API has a document of its own (`tests/functional/openapi/test_document.py`).
    """
    named = re.compile(r"@blueprint\.(?:get|post|route)\(\"([^\"]+)\"")
    everything = ROOT.glob("platform/kameng/**/*.py")
    sources = [path for path in everything if "openapi" not in path.parts]
    addresses = {a for path in sources for a in named.findall(path.read_text(encoding="utf-8"))}
    text = page("operators/README.md")
    assert "/livez" in addresses
    assert {address for address in addresses if address not in text} == set()


def test_the_licence_is_the_published_text() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "AGPL-3.0-or-later"
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == AGPL_3
