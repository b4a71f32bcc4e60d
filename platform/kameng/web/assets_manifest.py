"""Names of the bundled assets: what a template calls ``shop.css`` lives under a hashed name."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from pathlib import Path

DIST = Path(__file__).parent / "static" / "dist"
URL_PREFIX = "/static/dist/"


class AssetMissing(Exception):
    """The asset is unknown or the bundles were never built; the message says what to do."""


def asset_path(name: str) -> str:
    """URL path of a bundled asset, e.g. ``shop.css`` → ``/static/dist/shop-1A2B3C4D.css``.

    Raises `AssetMissing` for a name that no bundle has.
    """
    manifest = _manifest(int(time.monotonic()))
    if manifest is None:
        raise AssetMissing("assets are not built: run `make install`")
    if name not in manifest:
        raise AssetMissing(f"no asset named {name!r}; known: {', '.join(manifest)}")
    return URL_PREFIX + manifest[name]


def icon_href(name: str) -> str:
    """Reference to one icon of the sprite for ``<use href>``; the file is cached by browsers."""
    return f"{asset_path('sprite.svg')}#{name}"


def assets_built() -> bool:
    """Whether the bundles exist (they come from ``python -m kameng.web.assets_build``)."""
    return _manifest(int(time.monotonic())) is not None


def assets_version() -> int:
    """Another number after each build; 0 without one. What was made with names of assets ends."""
    return _looked(int(time.monotonic()))


@lru_cache(maxsize=2)
def _looked(_second: int) -> int:
    try:
        return (DIST / "manifest.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=2)
def _manifest(_second: int) -> dict[str, str] | None:
    # Asked for every icon of a page: the disk is looked at once a second.
    path = DIST / "manifest.json"
    try:
        return _read_manifest(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=2)
def _read_manifest(path: Path, changed: int) -> dict[str, str]:
    # `changed` is the cache key: a rebuild shows without a restart.
    manifest: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return manifest
