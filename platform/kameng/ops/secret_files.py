"""Secrets of this installation: made once, kept in files that only the owner reads."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping

from kameng.ops.home import Home

_MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(48),
    "master_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "backup_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def ensure_secrets(home: Home, environ: Mapping[str, str]) -> None:
    """Make the secrets that neither the environment nor an earlier start has given."""
    for name, make in _MAKERS.items():
        path = home.secrets / name
        if _given(environ, name) or path.exists():
            continue
        # Written whole and then linked: a crash in between leaves no half secret behind.
        draft = home.secrets / f".{name}.{os.getpid()}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(make() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)


def secret_variables(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """``KAMENG_…_FILE`` variables of the secrets that lie in the state folder."""
    return {
        f"KAMENG_{name.upper()}_FILE": str(home.secrets / name)
        for name in _MAKERS
        if not _given(environ, name) and (home.secrets / name).is_file()
    }


def _given(environ: Mapping[str, str], name: str) -> bool:
    variable = f"KAMENG_{name.upper()}"
    return bool(environ.get(variable) or environ.get(f"{variable}_FILE"))
