"""Manifest of the theme; what it looks like stands in the folder `theme`."""

from __future__ import annotations

from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import PluginKind, PluginManifest


@hookimpl
def kameng_manifest() -> PluginManifest:
    """Who this is. A theme needs no account."""
    return PluginManifest(
        id="theme-example",
        kind=PluginKind.THEME,
        name="示例主题",
        version="0.1.0",
        api_version=(1, 2),
        description="店铺主题。",
        author="请填写作者",
        restricted=True,
    )
