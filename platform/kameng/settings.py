"""Settings: read once from the environment, frozen, and refused at start when unsafe.

Every name is ``KAMENG_<FIELD>``; ``KAMENG_<FIELD>_FILE`` names a file that holds the value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

DEMO_SECRET = "demo-only-secret-key-never-for-production"


class SettingsError(Exception):
    """A setting is missing, malformed or unsafe; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the environment decides. Docstring-like comments are the reference text."""

    home: Path = Path("var")  # state: embedded servers, secrets, logs, mail
    port: int = 8000  # where `kameng up` listens; simulators take the next one
    bind: str = "127.0.0.1"  # address `kameng up` listens on
    demo: bool = False  # seeded data, simulators, shown logins; never on a public host
    database_url: str = ""  # owner's URL; empty starts the embedded PostgreSQL
    app_database_url: str = ""  # URL of role kameng_app; derived from the owner's when empty
    main_database_url: str = ""  # URL of role kameng_main; derived likewise
    supplier_database_url: str = ""  # URL of role kameng_supplier; derived likewise
    redis_url: str = ""  # empty starts the embedded Valkey
    secret_key: str = ""  # signs tokens and derives role passwords
    master_key: str = ""  # base64, 32 bytes: wraps the data keys of the card vault
    master_key_previous: str = ""  # the key before, while a rotation runs
    base_domain: str = "localhost"  # stations answer at <slug>.<base_domain>
    main_host: str = "main.localhost"  # host name of the main station and its console
    public_scheme: str = "http"  # scheme of links sent outside
    public_port: int = 0  # port in links sent outside; 0 = none shown
    plugins_deny: str = ""  # plugin ids, comma-separated, that are never imported
    plugins_allow: str = ""  # lock file of plugins that may be imported; empty allows all
    simulator_url: str = ""  # where the gateways' simulators answer (demo)
    ledger_heads: str = (
        ""  # file that daily heads of the sealed ledger are added to; empty: below home
    )
    backup_folder: str = ""  # where backups and archived WAL lie; empty: below home
    backup_key: str = ""  # base64, 32 bytes: encrypts backups of the embedded PostgreSQL
    backup_keep: int = 7  # base backups that are kept, with the WAL they need
    backup_stanza: str = ""  # pgBackRest's stanza; then pgbackrest backs up, on its own settings
    smtp_url: str = ""  # smtp://user:password@host:port; empty keeps mail under home/mail
    mail_from: str = "kameng@localhost"
    hold_minutes: int = 15  # how long an unpaid order keeps its cards
    hold_max_per_shopper: int = 20  # unpaid cards of one SKU that one shopper may hold
    hold_max_per_ip: int = 200  # unpaid cards of one SKU that one address may hold
    hold_max_share_percent: int = 50  # of a pool that one shopper may hold (at least 5 cards)
    web_workers: int = 2
    web_threads: int = 8
    trusted_proxies: int = 0  # exact number of proxies that set X-Forwarded-*
    log_level: str = "INFO"
    timezone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        if self.demo:
            return
        if self.secret_key in ("", DEMO_SECRET) or len(self.secret_key) < 32:
            raise SettingsError(
                "KAMENG_SECRET_KEY must be a secret of at least 32 characters outside demo mode"
            )
        if not self.master_key:
            raise SettingsError("KAMENG_MASTER_KEY is missing: cards could not be encrypted")

    def host_url(self, host: str) -> str:
        """Absolute address of a host as people outside reach it, without trailing slash."""
        port = f":{self.public_port}" if self.public_port else ""
        return f"{self.public_scheme}://{host}{port}"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``KAMENG_*``; raises `SettingsError` naming the variable that is wrong."""
    env = os.environ if environ is None else environ
    known = {f"KAMENG_{field.name.upper()}": field for field in fields(Settings)}
    values: dict[str, object] = {}
    for name, field in known.items():
        raw = _raw_value(env, name)
        if raw is not None:
            values[field.name] = _convert(name, str(field.type), raw)
    return Settings(**values)  # type: ignore[arg-type]  # converted by the field's own type


def _raw_value(env: Mapping[str, str], name: str) -> str | None:
    file_name = env.get(f"{name}_FILE")
    if file_name:
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE cannot be read: {error}") from error
    return env.get(name)


def _convert(name: str, type_name: str, raw: str) -> object:
    if type_name == "bool":
        if raw.lower() in ("1", "true", "yes", "on"):
            return True
        if raw.lower() in ("", "0", "false", "no", "off"):
            return False
        raise SettingsError(f"{name} must be 1 or 0, not {raw!r}")
    if type_name == "int":
        try:
            return int(raw)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number, not {raw!r}") from None
    if type_name == "Path":
        return Path(raw)
    return raw
