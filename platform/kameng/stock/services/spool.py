"""An uploaded file waits for the worker sealed: no card lies on the disk in the clear.

Frames of AES-256-GCM under a key derived from the master key and a random salt; each is bound to
its batch and place, and the last one is marked, so that nothing can be cut off or exchanged.
"""

from __future__ import annotations

import hmac
import io
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kameng.runtime import current_settings
from kameng.stock.domain.vault import VaultError
from kameng.stock.services.keyring import master_key

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FRAME = 256 * 1024
SALT_BYTES = 16
_LENGTH = struct.Struct(">I")


def spool(batch_id: int, stream: BinaryIO) -> int:
    """Seal an upload to a file of this batch; returns how many line ends went through."""
    salt = os.urandom(SALT_BYTES)
    cipher = _cipher(salt)
    path = spool_path(batch_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = index = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(salt)
        block = stream.read(FRAME)
        while True:
            following = stream.read(FRAME) if block else b""
            sealed = cipher.encrypt(_nonce(index), block, _label(batch_id, not following))
            out.write(_LENGTH.pack(len(sealed)) + sealed)
            lines += block.count(b"\n")
            index += 1
            if not following:
                break
            block = following
        out.flush()
        os.fsync(out.fileno())
    return lines


def open_spool(batch_id: int) -> BinaryIO:
    """The upload of a batch, opened frame by frame; raises `FileNotFoundError`, `VaultError`."""
    raw = _Unsealed(spool_path(batch_id).open("rb"), batch_id)
    return io.BufferedReader(raw, FRAME)


def drop_spool(batch_id: int) -> None:
    """Remove the file of a batch; nothing happens when there is none."""
    spool_path(batch_id).unlink(missing_ok=True)


def drop_old_spools(older_than_s: float) -> int:
    """Remove files that no worker came for; returns how many."""
    limit = time.time() - older_than_s
    old = [path for path in _folder().glob("cards-*.sealed") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def spool_path(batch_id: int) -> Path:
    """Where the sealed upload of a batch lies."""
    return _folder() / f"cards-{int(batch_id)}.sealed"


class _Unsealed(io.RawIOBase):
    """A readable stream over the sealed frames."""

    def __init__(self, file: BinaryIO, batch_id: int) -> None:
        self._file = file
        self._batch_id = batch_id
        self._cipher = _cipher(file.read(SALT_BYTES))
        self._index = 0
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if not self._ready and not self._ended:
            self._ready = self._next_frame()
        room = memoryview(buffer)
        part = self._ready[: len(room)]
        room[: len(part)] = part
        self._ready = self._ready[len(part) :]
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next_frame(self) -> bytes:
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size).rjust(_LENGTH.size, b"\0"))
        sealed = self._file.read(min(length, FRAME + 64))
        nonce = _nonce(self._index)
        self._index += 1
        for last in (False, True):
            try:
                plain = self._cipher.decrypt(nonce, sealed, _label(self._batch_id, last))
            except (InvalidTag, ValueError):
                continue
            self._ended = last
            return plain
        raise VaultError("the spooled upload does not open")


def _folder() -> Path:
    return current_settings().home / "spool"


def _cipher(salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(master_key(), b"kameng spool\0" + salt, "sha256"))


def _nonce(index: int) -> bytes:
    # A counter is safe here: the key belongs to this one file.
    return index.to_bytes(12, "big")


def _label(batch_id: int, last: bool) -> bytes:
    return b"spool|%d|%s" % (batch_id, b"last" if last else b"more")
