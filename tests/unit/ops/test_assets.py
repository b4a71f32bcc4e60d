"""Bundled assets are found by their plain names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kameng.web import assets_manifest
from kameng.web.assets_manifest import AssetMissing, _read_manifest


def test_a_plain_name_leads_to_the_hashed_one() -> None:
    path = assets_manifest.asset_path("shop.css")
    assert path.startswith("/static/dist/shop-")
    assert (assets_manifest.DIST / path.rsplit("/", 1)[-1]).is_file()


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AssetMissing, match=r"shop\.css"):
        assets_manifest.asset_path("nothing.css")


def test_an_icon_points_into_the_sprite() -> None:
    assert assets_manifest.icon_href("bolt").endswith(".svg#bolt")


def test_every_icon_in_use_is_in_the_sprite() -> None:
    names = (Path(assets_manifest.__file__).parent / "assets/src/icons.txt").read_text()
    sprite = assets_manifest.asset_path("sprite.svg").rsplit("/", 1)[-1]
    content = (assets_manifest.DIST / sprite).read_text()
    for line in names.splitlines():
        name = line.partition("#")[0].strip()
        if name:
            base = name.removeprefix("filled/")
            wanted = f"{base}-filled" if name != base else base
            assert f'id="{wanted}"' in content, name


def test_bundles_load_nothing_from_other_hosts() -> None:
    for path in assets_manifest.DIST.glob("*.css"):
        content = path.read_text()
        assert "@import" not in content, path.name
        assert "url(http" not in content, path.name
        assert "url(//" not in content, path.name


def test_a_rebuilt_manifest_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"a.css": "a-1.css"}))
    assert _read_manifest(path, 1) == {"a.css": "a-1.css"}
    path.write_text(json.dumps({"a.css": "a-2.css"}))
    assert _read_manifest(path, 2) == {"a.css": "a-2.css"}
