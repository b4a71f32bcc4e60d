"""A base backup beside its manifest: every file there, whole, and the manifest itself unchanged.

What `pg_verifybackup` does; the program of the embedded server's wheel does not run.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kameng.ops.errors import OpsError

SEGMENT = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `first_wal`: the oldest segment that is needed."""

    first_wal: str
    size: int
    checksums: dict[str, str]


def read_manifest(path: Path) -> Manifest:
    """Raises `OpsError` when the manifest is not as it was written."""
    content = path.read_bytes()
    said: dict[str, Any] = json.loads(content)
    # The checksum stands on the last line and covers all lines before it.
    body = content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    if hashlib.sha256(body).hexdigest() != said["Manifest-Checksum"]:
        raise OpsError("The manifest of the backup does not have its checksum.")
    first = said["WAL-Ranges"][0]
    high, _, low = str(first["Start-LSN"]).partition("/")
    segment = (int(high, 16) << 32 | int(low, 16)) // SEGMENT
    return Manifest(
        first_wal=f"{int(first['Timeline']):08X}{segment // 256:08X}{segment % 256:08X}",
        size=sum(int(file["Size"]) for file in said["Files"]),
        checksums={_name(file): str(file["Checksum"]) for file in said["Files"]},
    )


def verify(archive: Path, manifest: Manifest) -> None:
    """Compare every file of a tar with the manifest. Raises `OpsError` naming what differs."""
    missing = dict(manifest.checksums)
    with tarfile.open(archive, mode="r|") as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            wanted = missing.pop(member.name.removeprefix("./"), None)
            if content is None or wanted is None:
                continue
            digest = hashlib.sha256()
            while piece := content.read(2**20):
                digest.update(piece)
            if digest.hexdigest() != wanted:
                raise OpsError(f"{member.name} in the backup is not what the server sent.")
    if missing:
        raise OpsError(f"The backup lacks {len(missing)} files, {min(missing)} among them.")


def _name(file: dict[str, Any]) -> str:
    encoded = file.get("Encoded-Path")
    return bytes.fromhex(encoded).decode() if encoded else str(file["Path"])
