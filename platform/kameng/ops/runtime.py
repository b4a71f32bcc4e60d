"""What runs on this state folder: settings as the running `kameng up` has them, from any shell."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from kameng.ops.home import Home, find_home
from kameng.ops.secret_files import secret_variables
from kameng.settings import Settings, load_settings


def effective_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The environment, completed by generated secrets and the addresses of running servers.

    What the environment says always wins. Raises `SettingsError` like `load_settings`.
    """
    env = dict(os.environ if environ is None else environ)
    home = find_home(env)
    return load_settings(effective_environment(home, env))


def effective_environment(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables of the running installation under those of the environment."""
    return {
        **running_environment(home),
        **secret_variables(home, environ),
        **environ,
        "KAMENG_HOME": str(home.root),
    }


def running_environment(home: Home) -> dict[str, str]:
    """Variables that the running `kameng up` gave its children; empty when none runs."""
    try:
        found: dict[str, str] = json.loads(_state_file(home).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError, json.JSONDecodeError):
        return {}
    return found


def write_running(home: Home, environment: Mapping[str, str]) -> None:
    """Note the variables for other shells; the file is the owner's alone."""
    draft = _state_file(home).with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(dict(environment), stream, indent=1)
    draft.replace(_state_file(home))


def forget_running(home: Home) -> None:
    """Nothing runs any more."""
    _state_file(home).unlink(missing_ok=True)


def _state_file(home: Home) -> Path:
    return home.run / "environment.json"
