"""Static checks: what can be said of a plugin without calling the objects it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import pluggy

from kameng_sdk import hookspecs
from kameng_sdk.kit.checks import EVERY, Failed, NotApplicable, Suite, require
from kameng_sdk.kit.finding import Installed
from kameng_sdk.kit.imports import (
    PICKLERS,
    Imported,
    has_marker,
    imports_of,
    strangers,
)
from kameng_sdk.kit.probe import Look, look_at
from kameng_sdk.manifest import API_VERSION, ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money

IMPORT_S = 5.0
FACTORIES = {
    PluginKind.PAYMENT: "kameng_payment_providers",
    PluginKind.SUPPLIER: "kameng_suppliers",
    PluginKind.RISK: "kameng_risk_rules",
}
TYPES: dict[str, type] = {"int": int, "bool": bool, "money": Money}
SECRET_NAME = re.compile(r"(^|_)(secret|password|private_key)(_|$)")

static: Suite[Specimen] = Suite("static", EVERY)


@dataclass
class Specimen:
    """One installed plugin under the lens; each look is taken once."""

    plugin: Installed

    @cached_property
    def look(self) -> Look:
        """What its import did, in another interpreter."""
        return look_at(self.plugin)

    @cached_property
    def imports(self) -> list[Imported]:
        """What its sources import."""
        return imports_of(self.plugin)

    @cached_property
    def manager(self) -> pluggy.PluginManager:
        """A plugin manager with nothing but this plugin; imports it here."""
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        manager.register(self.plugin.entry.load(), self.plugin.id)
        return manager

    @cached_property
    def manifest(self) -> PluginManifest:
        """What it says about itself; raises `Failed` when that is no manifest."""
        answers = self.manager.hook.kameng_manifest()
        require(len(answers) == 1, "kameng_manifest must answer exactly once")
        require(type(answers[0]) is PluginManifest, "kameng_manifest gives no PluginManifest")
        found: PluginManifest = answers[0]
        return found


@static.check("import", "Its module can be imported in a fresh interpreter.", gate=True)
def _import(specimen: Specimen) -> None:
    require(not specimen.look.error, specimen.look.error)


@static.check("import_time", f"Importing it takes less than {IMPORT_S:g} seconds.")
def _import_time(specimen: Specimen) -> None:
    seconds = specimen.look.seconds
    require(seconds < IMPORT_S, f"the import took {seconds:.1f} s")


@static.check("import_io", "Importing it touches no foreign file, socket, process or database.")
def _import_io(specimen: Specimen) -> None:
    require(not specimen.look.did, "; ".join(specimen.look.did[:3]))


@static.check("import_threads", "Importing it starts no thread.")
def _import_threads(specimen: Specimen) -> None:
    require(not specimen.look.threads, "left running: " + ", ".join(specimen.look.threads))


@static.check(
    "imports",
    "Its sources import the SDK, the standard library, themselves and declared dependencies only.",
)
def _imports(specimen: Specimen) -> None:
    wrong = strangers(specimen.plugin, specimen.imports)
    require(not wrong, "; ".join(wrong[:5]))


@static.check("pickling", "Its sources import nothing that writes objects out, secrets included.")
def _pickling(specimen: Specimen) -> None:
    wrong = [f"{one.place} imports {one.module}" for one in specimen.imports if one.top in PICKLERS]
    require(not wrong, "; ".join(wrong))


@static.check("typed", "Every package carries a py.typed marker.")
def _typed(specimen: Specimen) -> None:
    packages = dict(specimen.plugin.packages)
    if all(place.is_file() for place in packages.values()):
        raise NotApplicable("a single module has no place for the marker")
    require(has_marker(packages), "py.typed is missing beside __init__.py")


@static.check("metadata", "The distribution has a summary and declares that it needs kameng.")
def _metadata(specimen: Specimen) -> None:
    plugin = specimen.plugin
    if not plugin.distribution:
        raise NotApplicable("it is not installed as a distribution")
    require(plugin.summary, "pyproject.toml has no description")
    require("kameng" in plugin.requires, "pyproject.toml does not declare the dependency kameng")


@static.check("hooks", "Its hooks have names and arguments that the SDK knows.", gate=True)
def _hooks(specimen: Specimen) -> None:
    try:
        specimen.manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise Failed(" ".join(str(error).split())[:300]) from None


@static.check("manifest", "kameng_manifest answers once, with a sound PluginManifest.", gate=True)
def _manifest(specimen: Specimen) -> None:
    again = specimen.manager.hook.kameng_manifest()
    require(again == [specimen.manifest], "two questions got two different manifests")


@static.check("identity", "The entry point is named like the id in the manifest.")
def _identity(specimen: Specimen) -> None:
    named, says = specimen.plugin.id, specimen.manifest.id
    require(named == says, f"the entry point is {named!r}, the manifest says {says!r}")


@static.check("version", "The manifest tells the version of the distribution.")
def _version(specimen: Specimen) -> None:
    if not specimen.plugin.distribution:
        raise NotApplicable("it is not installed as a distribution")
    has, says = specimen.plugin.version, specimen.manifest.version
    require(has == says, f"the distribution is {has}, the manifest says {says}")


@static.check("api_version", "It was written for an API that this SDK serves.", gate=True)
def _api_version(specimen: Specimen) -> None:
    wanted = specimen.manifest.api_version
    sound = type(wanted) is tuple and [type(part) for part in wanted] == [int, int]
    require(sound, f"api_version is {wanted!r}, not two whole numbers")
    require(
        API_VERSION.accepts(wanted), f"needs API {wanted[0]}.{wanted[1]}, this is {API_VERSION}"
    )


@static.check("factory", "It implements the factory of its kind and no other.", gate=True)
def _factory(specimen: Specimen) -> None:
    for kind, hook in FACTORIES.items():
        there = bool(getattr(specimen.manager.hook, hook).get_hookimpls())
        own = kind is specimen.manifest.kind
        require(there or not own, f"{hook} is missing")
        require(own or not there, f"{hook} belongs to {kind.value} plugins")


@static.check("settings", "Its settings have labels, fitting defaults, and secrets marked as such.")
def _settings(specimen: Specimen) -> None:
    wrong = [word for field in specimen.manifest.config_fields for word in _faults(field)]
    require(not wrong, "; ".join(wrong))


def _faults(field: ConfigField) -> list[str]:
    words = []
    if not field.label.strip():
        words.append("has no label")
    if SECRET_NAME.search(field.name) and not field.secret:
        words.append("is named like a secret and is none")
    default = field.default
    if default is not None and type(default) is not TYPES.get(field.kind, str):
        words.append(f"has a default of type {type(default).__name__}")
    if field.kind == "choice" and default is not None and default not in dict(field.choices):
        words.append("has a default that is no choice")
    if field.pattern and isinstance(default, str) and not re.fullmatch(field.pattern, default):
        words.append("has a default that its pattern refuses")
    return [f"{field.name} {word}" for word in words]
