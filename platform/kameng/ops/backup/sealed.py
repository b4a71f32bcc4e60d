"""Files at rest: compressed, then AES-256-GCM in chunks that can be neither moved nor left out.

A file is bound to its name in the repository. Its key is derived from the backup key and a salt of
its own, so a chunk's number is a nonce that is never used twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kameng.ops.errors import OpsError

MAGIC = b"KMBK1\n"
ID_BYTES, SALT_BYTES = 8, 16
CHUNK = 1024 * 1024
LAST = 1 << 31


class SealBroken(OpsError):
    """A file of a backup does not open: another key, or it was changed, cut or moved."""


def read_key(text: str) -> bytes:
    """The backup key from its setting; raises `OpsError` when it is missing or none."""
    if not text:
        raise OpsError(
            "There is no backup key.",
            "`kameng up` makes one below the state folder; elsewhere set KAMENG_BACKUP_KEY.",
        )
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise OpsError("KAMENG_BACKUP_KEY must be 32 bytes in base64.")
    return key


def key_id(key: bytes) -> bytes:
    """Tells keys apart without telling them."""
    return hashlib.sha256(b"kameng backup key id" + key).digest()[:ID_BYTES]


def seal(source: BinaryIO, target: BinaryIO, key: bytes, name: str) -> int:
    """Encrypt a stream as the repository's file `name`; returns the bytes written."""
    salt = os.urandom(SALT_BYTES)
    cipher = _cipher(key, salt)
    written = target.write(MAGIC + key_id(key) + salt)
    chunks = _chunks(_compressed(source))
    number, chunk = 0, next(chunks)
    while chunk is not None:
        following = next(chunks, None)
        last = following is None
        body = cipher.encrypt(_nonce(number), chunk, _bound(name, number, last))
        written += target.write(struct.pack(">I", len(body) | (LAST if last else 0)) + body)
        number, chunk = number + 1, following
    return written


def unseal(source: BinaryIO, key: bytes, name: str) -> Iterator[bytes]:
    """What was sealed under `name`, in pieces. Raises `SealBroken`, at the latest at the end."""
    head = source.read(len(MAGIC) + ID_BYTES + SALT_BYTES)
    if len(head) < len(MAGIC) + ID_BYTES + SALT_BYTES or not head.startswith(MAGIC):
        raise SealBroken(f"{name} is no file of a backup.")
    if head[len(MAGIC) : len(MAGIC) + ID_BYTES] != key_id(key):
        raise SealBroken(
            f"{name} was encrypted with another backup key.",
            "Set KAMENG_BACKUP_KEY to the key that was in use when the backup was made.",
        )
    inflate = zlib.decompressobj()
    for chunk in _opened(source, _cipher(key, head[-SALT_BYTES:]), name):
        yield inflate.decompress(chunk)
    yield inflate.flush()
    if not inflate.eof:
        raise SealBroken(f"{name} is incomplete.")


def _opened(source: BinaryIO, cipher: AESGCM, name: str) -> Iterator[bytes]:
    number, last = 0, False
    while not last:
        head = source.read(4)
        mark = struct.unpack(">I", head)[0] if len(head) == 4 else 0
        last = bool(mark & LAST)
        length = mark & ~LAST
        body = source.read(length) if length <= CHUNK + 16 else b""
        if len(body) != length:
            raise SealBroken(f"{name} was changed or cut short (piece {number}).")
        try:
            yield cipher.decrypt(_nonce(number), body, _bound(name, number, last))
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{name} was changed or cut short (piece {number}).") from error
        number += 1
    if source.read(1):
        raise SealBroken(f"{name} goes on after its end.")


class Opened(io.RawIOBase):
    """A sealed file as a readable stream, for what reads archives."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # RawIOBase calls it so
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    info = b"kameng backup file"
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _bound(name: str, number: int, last: bool) -> bytes:
    return f"{name}|{number}|{'last' if last else 'more'}".encode()


def _compressed(source: BinaryIO) -> Iterator[bytes]:
    deflate = zlib.compressobj(1)
    while piece := source.read(CHUNK):
        yield deflate.compress(piece)
    yield deflate.flush()


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes | None]:
    """The same bytes in chunks of one size; at least one."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        while len(kept) > CHUNK:
            yield bytes(kept[:CHUNK])
            del kept[:CHUNK]
    yield bytes(kept)
