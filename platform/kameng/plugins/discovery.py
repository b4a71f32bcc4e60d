"""Find plugins by entry point: sorted, deny-listed before import, each alone and in quarantine
when it is broken. Nothing a plugin does here can stop the host or another plugin.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from importlib.metadata import EntryPoint, entry_points

import pluggy

from kameng.plugins.allowing import AllowList
from kameng.plugins.deadline import NotStarted, Slots, TimedOut
from kameng_sdk import hookspecs
from kameng_sdk.manifest import API_VERSION, PluginKind, PluginManifest

GROUP = "kameng.plugins"
IMPORT_S = 20.0
MANIFEST_S = 2.0

log = logging.getLogger("kameng.plugins")


class PluginState(Enum):
    """How a plugin stands at one station."""

    AVAILABLE = "available"
    """Sound, and not switched on."""

    ENABLED = "enabled"
    """Switched on and configured."""

    MISCONFIGURED = "misconfigured"
    """Switched on, but its configuration cannot work; it is not offered."""

    QUARANTINED = "quarantined"
    """Broken or denied; never called. The reason says why."""

    INCOMPATIBLE = "incompatible"
    """Written for another API version; never called."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One discovered plugin; ``manifest`` and ``manager`` are None unless it is sound.

    Each has a plugin manager of its own, so hooks of two plugins never meet.
    """

    id: str
    distribution: str
    fault: PluginState | None = None
    reason: str = ""
    denied: bool = False
    manifest: PluginManifest | None = None
    manager: pluggy.PluginManager | None = None
    slots: Slots = field(default_factory=Slots, compare=False)
    entry: EntryPoint | None = field(default=None, compare=False)


class _Unsound(Exception):
    """Why a plugin is not taken; the state and the words for the console."""

    def __init__(self, state: PluginState, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


def discover(
    denied: Iterable[str] = (),
    found: Iterable[EntryPoint] | None = None,
    *,
    allowed: AllowList | None = None,
    import_s: float = IMPORT_S,
) -> dict[str, Plugin]:
    """All plugins installed here by id, in sorted order. ``found`` replaces the installed ones.

    What is ``denied``, or not on the list of what is ``allowed``, is not even imported. An import
    that takes longer than ``import_s`` is given up.
    """
    points = entry_points(group=GROUP) if found is None else found
    ordered = sorted(points, key=lambda point: (point.name, point.value))
    deny = frozenset(denied)
    plugins: dict[str, Plugin] = {}
    for point in ordered:
        if point.name in plugins:
            plugins[point.name] = _refused(point, "two distributions claim this id")
        elif point.name in deny:
            refused = _refused(point, "on the deny list (KAMENG_PLUGINS_DENY)")
            plugins[point.name] = replace(refused, denied=True)
        elif allowed is not None and (reason := allowed.refusal(point)):
            plugins[point.name] = _refused(point, reason)
        else:
            plugins[point.name] = _load(point, import_s)
    return plugins


def _load(point: EntryPoint, import_s: float) -> Plugin:
    plugin = Plugin(point.name, _distribution(point), entry=point)
    try:
        module = _bounded(plugin.slots, point.load, import_s, "import")
        manager = _register(point.name, module)
        manifest = _manifest(plugin.slots, manager)
        _check(point.name, manifest, manager)
        _refuse_unknown_hooks(manager)
    except _Unsound as problem:
        return _refused(point, problem.reason, problem.state)
    return replace(plugin, manifest=manifest, manager=manager)


def _bounded(slots: Slots, code: Callable[[], object], seconds: float, step: str) -> object:
    try:
        return slots.run(code, seconds, step)
    except (TimedOut, NotStarted):
        raise _Unsound(PluginState.QUARANTINED, f"{step} took longer than {seconds:g} s") from None
    except Exception as error:
        reason = f"{step} failed: {type(error).__name__}: {error}"[:300]
        raise _Unsound(PluginState.QUARANTINED, reason) from None


def _register(plugin_id: str, module: object) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, plugin_id)
    except Exception as error:
        raise _misfit(error) from None
    return manager


def _refuse_unknown_hooks(manager: pluggy.PluginManager) -> None:
    # After the version check: a hook of a newer API is incompatible rather than wrong.
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise _misfit(error) from None


def _misfit(error: Exception) -> _Unsound:
    text = " ".join(str(error).split())[:300]
    return _Unsound(PluginState.QUARANTINED, f"hooks do not fit: {text}")


def _manifest(slots: Slots, manager: pluggy.PluginManager) -> PluginManifest:
    answers = _bounded(slots, manager.hook.kameng_manifest, MANIFEST_S, "kameng_manifest")
    if not isinstance(answers, list) or len(answers) != 1:
        raise _Unsound(PluginState.QUARANTINED, "kameng_manifest must answer exactly once")
    manifest = answers[0]
    if not isinstance(manifest, PluginManifest):
        raise _Unsound(PluginState.QUARANTINED, "kameng_manifest did not give a PluginManifest")
    return manifest


_FACTORIES = {
    PluginKind.PAYMENT: "kameng_payment_providers",
    PluginKind.SUPPLIER: "kameng_suppliers",
    PluginKind.RISK: "kameng_risk_rules",
}


def _check(plugin_id: str, manifest: PluginManifest, manager: pluggy.PluginManager) -> None:
    if manifest.id != plugin_id:
        reason = f"the manifest says {manifest.id!r}, the entry point {plugin_id!r}"
        raise _Unsound(PluginState.QUARANTINED, reason)
    if not API_VERSION.accepts(manifest.api_version):
        wanted = ".".join(str(part) for part in manifest.api_version)
        raise _Unsound(PluginState.INCOMPATIBLE, f"needs API {wanted}, this is {API_VERSION}")
    own = _FACTORIES.get(manifest.kind)
    for kind, hook in _FACTORIES.items():
        implemented = bool(getattr(manager.hook, hook).get_hookimpls())
        if implemented != (kind is manifest.kind):
            reason = f"a {manifest.kind.value} plugin implements {own or 'no factory'} and no other"
            raise _Unsound(PluginState.QUARANTINED, reason)


def _refused(
    point: EntryPoint, reason: str, state: PluginState = PluginState.QUARANTINED
) -> Plugin:
    log.warning("plugin %s is not used: %s", point.name, reason)
    return Plugin(point.name, _distribution(point), fault=state, reason=reason, entry=point)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else ""


def hook_names() -> list[str]:
    """Names of all hooks of the contract, in the order of the page."""
    return [name for name, value in vars(hookspecs).items() if _is_hook(name, value)]


def _is_hook(name: str, value: object) -> bool:
    return name.startswith("kameng_") and inspect.isfunction(value)
