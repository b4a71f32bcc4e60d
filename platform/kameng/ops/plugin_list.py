"""What plugins are installed, for an operator at a terminal."""

from __future__ import annotations

from importlib.metadata import entry_points

from kameng.plugins.allowing import lock_lines, read_allow_list
from kameng.plugins.discovery import GROUP, Plugin, discover
from kameng.settings import Settings
from kameng_sdk.kit.finding import describe


def list_lines(settings: Settings) -> list[str]:
    """Id, version, state, digest and reason of each; imports what may be imported."""
    denied = [name.strip() for name in settings.plugins_deny.split(",") if name.strip()]
    found = discover(denied, allowed=read_allow_list(settings.plugins_allow))
    points = {point.name: point for point in entry_points(group=GROUP)}
    lines = []
    for plugin in found.values():
        one = describe(points[plugin.id])
        line = f"{one.id:<28} {one.version:<10} {_state(plugin):<12} sha256:{one.digest}"
        lines.append(f"{line}  {plugin.reason}" if plugin.reason else line)
    return lines


def lock_text() -> str:
    """The allow-list for what is installed."""
    return "\n".join(lock_lines())


def _state(plugin: Plugin) -> str:
    return plugin.fault.value if plugin.fault is not None else "sound"
