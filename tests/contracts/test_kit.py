"""The kit's commands: what they write, print, refuse, and with which exit code they end."""

from __future__ import annotations

import json
import shutil
import sys
from html.parser import HTMLParser
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from kameng_sdk.kit.files import digest_of
from kameng_sdk.kit.finding import Installed, describe
from kameng_sdk.kit.main import main
from kameng_sdk.kit.making import FolderExists, make_plugin
from kameng_sdk.kit.naming import BadName, names_for
from kameng_sdk.kit.page import as_html
from kameng_sdk.kit.report import FAILED, Finding, Report, as_json
from kameng_sdk.kit.running import all_checks, verify
from kameng_sdk.manifest import PluginKind

INSTALLED = sorted({point.name: point for point in entry_points(group="kameng.plugins")}.items())
REPORT = Report(
    plugin_id="supplier-x", name="<script>alert(1)</script>", kind="supplier", distribution="x",
    version="1", digest="0" * 64, api_version="1.4", made_at=0.0,
    findings=(
        Finding("static.import", "It can be imported.", "passed", "", 3),
        Finding("fault.html", "A page is no answer.", "failed", "raised <Declined>", 4),
    ),
)  # fmt: skip


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [name for name, _point in INSTALLED])
def test_every_plugin_of_this_checkout_passes(name: str) -> None:
    report = verify(describe(dict(INSTALLED)[name]))
    assert {finding.check: finding.reason for finding in report.of(FAILED)} == {}


@pytest.mark.parametrize(
    ("name", "kind", "plugin_id"),
    [
        ("demo-supplier", PluginKind.SUPPLIER, "supplier-demo"),
        ("supplier-demo", PluginKind.SUPPLIER, "supplier-demo"),
        ("kameng-payment-bright-bank", PluginKind.PAYMENT, "payment-bright-bank"),
        ("demo", PluginKind.RISK, "risk-demo"),
    ],
)
def test_the_id_has_the_kind_in_front(name: str, kind: PluginKind, plugin_id: str) -> None:
    names = names_for(name, kind)
    assert (names.plugin_id, names.distribution) == (plugin_id, name)
    assert names.package == name.replace("-", "_")


@pytest.mark.parametrize(
    "name", ["Demo", "demo_supplier", "-demo", "demo-", "", "../demo", "supplier", "json", "a" * 41]
)
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        names_for(name, PluginKind.SUPPLIER)


@pytest.mark.parametrize("kind", list(PluginKind), ids=lambda kind: kind.value)
def test_nothing_of_the_template_is_left_in_what_is_made(kind: PluginKind, here: Path) -> None:
    _names, folder = make_plugin("bright-bank", kind, here)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"pyproject.toml", "README.md", "py.typed", "plugin.py"} <= {path.name for path in files}
    assert not [p for p in files if f"example-{kind.value}" in p.read_text("utf-8") + str(p)]
    assert not [p for p in files if f"{kind.value}-example" in p.read_text("utf-8")]
    assert not [p for p in files if f"example_{kind.value}" in p.read_text("utf-8") + str(p)]


def test_a_folder_that_exists_is_not_touched(here: Path) -> None:
    (here / "demo").mkdir()
    (here / "demo" / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(FolderExists):
        make_plugin("demo", PluginKind.RISK, here)
    assert [path.name for path in (here / "demo").iterdir()] == ["mine"]


def test_new_says_what_comes_next_and_refuses_in_words(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("new", "demo", "--kind", "risk") == 0
    assert "kameng-plugin verify demo" in capsys.readouterr().out
    assert ended("new", "demo", "--kind", "risk") == 1
    assert "exists already" in capsys.readouterr().err
    assert ended("new", "No Name", "--kind", "risk") == 1
    assert "use words of a-z" in capsys.readouterr().err


def test_what_is_not_installed_is_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert [ended(command, "supplier-nowhere") for command in ("verify", "digest")] == [2, 2]
    assert "no plugin 'supplier-nowhere'" in capsys.readouterr().err


def test_a_report_is_written_where_it_is_wanted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("verify", "risk-velocity", "--format", "json", "--output", "r.json") == 0
    found = json.loads((here / "r.json").read_text("utf-8"))
    assert (found["ok"], found["plugin_id"], found["format"]) == (True, "risk-velocity", 1)
    assert len(found["digest"]) == 64
    assert {"check", "meaning", "result", "reason", "duration_ms"} == set(found["findings"][0])
    assert "0 failed" in capsys.readouterr().out


def test_every_check_has_a_name_of_its_own_and_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = all_checks()
    for kind in PluginKind:
        names = [check.name for check in checks if kind in check.kinds]
        assert len(set(names)) == len(names)
    assert all(check.meaning.endswith(".") and len(check.meaning) < 120 for check in checks)
    assert ended("checks") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(checks)


def test_a_failed_report_says_so_in_every_form() -> None:
    assert not REPORT.ok
    assert json.loads(as_json(REPORT))["ok"] is False
    assert "1 checks failed" in as_html(REPORT)


class Reader(HTMLParser):
    """Collects what a page needs from elsewhere, and its structure."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.given: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.given |= {f"{tag}.{name}": value for name, value in attrs}


def test_the_page_needs_nothing_else_and_can_be_read_aloud() -> None:
    reader = Reader()
    reader.feed(as_html(REPORT))
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not [name for name in reader.given if name.endswith((".src", ".href"))]
    assert {"html.lang", "table.aria-labelledby", "th.scope"} <= set(reader.given)
    assert reader.tags.count("h1") == reader.tags.count("main") == 1


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "one" / "demo"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "page.html").write_text("<p>", encoding="utf-8")
    return folder


def test_the_same_files_have_the_same_digest_wherever_they_lie(package: Path, here: Path) -> None:
    digest = digest_of({"demo": package})
    copy = Path(shutil.copytree(package, here / "two" / "demo"))
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    assert digest_of({"demo": copy}) == digest


@pytest.mark.parametrize("change", ["edit", "add", "rename", "remove"])
def test_any_change_of_any_file_changes_the_digest(package: Path, change: str) -> None:
    digest, page = digest_of({"demo": package}), package / "page.html"
    if change == "edit":
        page.write_text("<P>", encoding="utf-8")
    elif change == "add":
        (package / "more.txt").write_text("", encoding="utf-8")
    elif change == "rename":
        page.rename(package / "other.html")
    else:
        page.unlink()
    assert digest_of({"demo": package}) != digest


def test_two_files_cannot_be_shifted_into_each_other(tmp_path: Path) -> None:
    for name, files in {"a": {"x": "1", "y": "2"}, "b": {"x": "12", "y": ""}}.items():
        for file, text in files.items():
            (tmp_path / name / "demo").mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "demo" / file).write_text(text, encoding="utf-8")
    first, second = (digest_of({"demo": tmp_path / name / "demo"}) for name in "ab")
    assert first != second


def pale(tmp_path: Path, old: str, new: str) -> Installed:
    """The template's theme with something spoilt."""
    _names, folder = make_plugin("pale-theme", PluginKind.THEME, tmp_path)
    source = folder / "src" / "pale_theme"
    theme = source / "theme" / "theme.toml"
    theme.write_text(theme.read_text("utf-8").replace(old, new), encoding="utf-8")
    (source / "theme" / "templates").mkdir()
    (source / "theme" / "templates" / "home.html").write_text("<p>{{ name }}</p>", encoding="utf-8")
    point = EntryPoint("theme-pale", "pale_theme.plugin", "kameng.plugins")
    return Installed(entry=point, packages={"pale_theme": source})


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ('light = "#7a2e5d"', 'light = "#e9c7dc"', "contract.contrast"),
        ('kind = "text"', 'kind = "script"', "contract.theme_settings"),
        ('id = "theme-pale"', 'id = "theme-qing"', "contract.theme"),
    ],
)
def test_a_theme_that_is_spoilt_fails_at_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, check: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "pale-theme" / "src"))
    report = verify(pale(tmp_path, old, new))
    for name in [name for name in sys.modules if name.startswith("pale_theme")]:
        del sys.modules[name]
    assert [finding.check for finding in report.of(FAILED)] == [check]
