"""The console script `kameng-plugin`: make, prove and name plugins."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kameng_sdk.kit.finding import Installed, find
from kameng_sdk.kit.making import FolderExists, make_plugin
from kameng_sdk.kit.naming import BadName
from kameng_sdk.kit.page import as_html
from kameng_sdk.kit.report import Report, as_json, as_text, line_of
from kameng_sdk.kit.running import all_checks, verify
from kameng_sdk.manifest import PluginKind

FAILED, NOT_FOUND = 1, 2
FORMATS: dict[str, Callable[[Report], str]] = {"text": as_text, "json": as_json, "html": as_html}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = _parser().parse_args(arguments)
    sys.exit(given.run(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("kameng-plugin", description="The kit for plugin authors.")
    commands = parser.add_subparsers(required=True, metavar="command")
    new = commands.add_parser("new", help="write a new plugin into ./NAME")
    new.add_argument("name", metavar="NAME")
    kinds = [kind.value for kind in PluginKind]
    new.add_argument("--kind", choices=kinds, required=True, help="what it extends")
    new.set_defaults(run=_new)
    check = commands.add_parser("verify", help="run all checks on an installed plugin")
    check.add_argument("id", metavar="ID")
    check.add_argument("--format", choices=list(FORMATS), default="text")
    check.add_argument("--output", metavar="FILE", type=Path, help="write the report there")
    check.set_defaults(run=_verify)
    digest = commands.add_parser("digest", help="print name, version and digest of its files")
    digest.add_argument("id", metavar="ID")
    digest.set_defaults(run=_digest)
    checks = commands.add_parser("checks", help="list all checks and what they mean")
    checks.set_defaults(run=_checks)
    return parser


def _new(given: argparse.Namespace) -> int:
    try:
        names, target = make_plugin(given.name, PluginKind(given.kind), Path.cwd())
    except (BadName, FolderExists) as error:
        print(f"kameng-plugin: {error}", file=sys.stderr)
        return FAILED
    print(f"{target.name}/ holds the plugin {names.plugin_id}. Next:")
    print(f"  pip install -e {given.name}")
    print(f"  kameng-plugin verify {given.name}")
    return 0


def _verify(given: argparse.Namespace) -> int:
    plugin = _found(given.id)
    if plugin is None:
        return NOT_FOUND
    live = given.format == "text" and given.output is None
    if live:
        print(f"{plugin.id} {plugin.version} sha256:{plugin.digest}", flush=True)
    report = verify(plugin, (lambda f: print(line_of(f), flush=True)) if live else lambda f: None)
    text = FORMATS[given.format](report)
    if given.output is not None:
        given.output.write_text(text, encoding="utf-8")
    print(report.summary() if live or given.output is not None else text)
    return 0 if report.ok else FAILED


def _digest(given: argparse.Namespace) -> int:
    plugin = _found(given.id)
    if plugin is None:
        return NOT_FOUND
    print(f"{plugin.id} {plugin.version} sha256:{plugin.digest}")
    return 0


def _checks(_given: argparse.Namespace) -> int:
    for check in all_checks():
        kinds = sorted(kind.value for kind in check.kinds)
        whose = "all" if len(kinds) == len(PluginKind) else ", ".join(kinds)
        print(f"{check.name:<28} {whose:<18} {check.meaning}")
    return 0


def _found(name: str) -> Installed | None:
    plugin = find(name)
    if plugin is None:
        print(f"kameng-plugin: no plugin {name!r} is installed here", file=sys.stderr)
    return plugin


if __name__ == "__main__":
    main()
