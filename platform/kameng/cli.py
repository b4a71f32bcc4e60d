"""The console script `kameng`: each command is one call into its part of the product."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import wraps
from importlib.metadata import version as distribution_version
from typing import Any

import click

from kameng.ops.errors import OpsError
from kameng.ops.services import SERVERS
from kameng.settings import Settings, SettingsError

SECRET_FIELDS = ("secret_key", "master_key", "master_key_previous", "backup_key")
URL_FIELDS = (
    "database_url", "app_database_url", "main_database_url", "supplier_database_url", "redis_url",
    "smtp_url",
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Kameng, the main station for virtual goods."""


def in_words(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print what went wrong instead of a traceback, and exit with 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        import psycopg

        try:
            return command(*args, **kwargs)
        except (OpsError, SettingsError) as error:
            click.echo(f"{error}", err=True)
        except psycopg.OperationalError as error:
            click.echo(f"The database cannot be reached: {str(error).strip()}", err=True)
            click.echo("Is `kameng up` running? `kameng doctor` looks closer.", err=True)
        sys.exit(1)

    return wrapped


def _settings() -> Settings:
    from kameng.ops.runtime import effective_settings

    settings = effective_settings()
    if not settings.database_url:
        raise OpsError("Kameng is not running.", "Start `kameng up`, or set KAMENG_DATABASE_URL.")
    return settings


def _in_app(work: Callable[[], Any]) -> Any:
    """Run work inside the application, without its web faces."""
    from kameng.app import create_app

    with create_app(_settings()).app_context():
        return work()


@cli.command()
@click.option("--server", type=click.Choice(SERVERS), default=SERVERS[0], show_default=True)
@in_words
def up(server: str) -> None:
    """Start all of Kameng on this machine and keep it running (demo unless KAMENG_DEMO=0)."""
    from kameng.ops.up import up as run

    sys.exit(run(os.environ, server))


@cli.command()
@in_words
def doctor() -> None:
    """Say in words what is wrong on this machine; exit code 1 when something is."""
    from kameng.ops.doctor import examine, exit_code

    findings = examine(os.environ)
    for finding in findings:
        click.echo(finding.lines())
    sys.exit(exit_code(findings))


@cli.command("demo-info")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
@in_words
def demo_info(as_json: bool) -> None:
    """Show addresses, logins and goods of the running demo."""
    from kameng.ops import demo_info as info
    from kameng.ops.home import find_home

    home, settings = find_home(os.environ), _settings()
    collected = info.collect(home, settings)
    if as_json:
        click.echo(json.dumps(collected, ensure_ascii=False, indent=1))
        return
    click.echo(f"main station   {collected['main_url']}/")
    for line in info.lines(home, settings):
        click.echo(line)


@cli.command()
@in_words
def migrate() -> None:
    """Bring the database to the newest state; safe to run on several machines at once."""
    from kameng.db.migrate import migrate as run

    click.echo(f"database at {run(_settings())}")


@cli.command()
@in_words
def scheduler() -> None:
    """Run periodic work; any number of these may run, each slot is done once."""
    from kameng import lean  # first: what it refuses is not imported
    from kameng.app import create_app
    from kameng.jobs.scheduler import run
    from kameng.logging import configure_logging

    effective = _settings()
    configure_logging(effective)
    app = create_app(effective)
    lean.settle()
    run(app)


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1)
@in_words
def bench(options: tuple[str, ...]) -> None:
    """Measure speed against this machine's own limits (`make bench`); --help lists its options."""
    from kameng.ops.home import CHECKOUT

    if not (CHECKOUT / "tests" / "bench" / "run.py").is_file():
        raise OpsError("The bench is not installed with the package.", "Run it in a checkout.")
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.bench.run", *options])


@cli.command()
@in_words
def worker() -> None:
    """Run the job workers (dramatiq) in the foreground."""
    from kameng.ops.services import worker as service

    command = service({}).command
    os.execv(command[0], command)


@cli.command()
@in_words
def simulators() -> None:
    """Serve the gateways' simulators (demo) in the foreground."""
    from kameng.ops.services import simulators as service

    command = service(_settings(), {}).command
    os.execv(command[0], command)


@cli.command()
@in_words
def seed() -> None:
    """Fill an empty demo with stations, goods, members and 90 days of orders."""
    from kameng.ops.demo import seed as run

    settings = _settings()
    if not settings.demo:
        raise OpsError("This installation is not a demo.", "seed works with KAMENG_DEMO=1 only.")
    run(settings)


@cli.command("init")
@click.option("--name", default="卡盟主站", show_default=True, help="Name of the main station.")
@click.option("--login", default="admin", show_default=True, help="Its first administrator.")
@in_words
def init(name: str, login: str) -> None:
    """Make the main station and its first administrator; shows the password once."""
    from kameng.ops.opening import open_main_station

    first = _in_app(lambda: open_main_station(name, login))
    click.echo(f"login        {first.login}")
    click.echo(f"password     {first.password}")
    click.echo(f"TOTP secret  {first.totp_secret}")
    click.echo(f"TOTP address {first.totp_uri}")
    click.echo("Shown this once. Put the TOTP address into an authenticator app.")


@cli.group()
def ledger() -> None:
    """Books."""


@ledger.command("verify")
@click.option("--since", help="Row by row only what has moved since (YYYY-MM-DD); balances whole.")
@click.option("--heads", help="A file of exported heads: the sealed chain must lead through them.")
@in_words
def ledger_verify(since: str | None, heads: str | None) -> None:
    """Recompute the books; exit code 1 when they do not add up."""
    from kameng.ops.books import as_text, verify_books

    report = _in_app(lambda: verify_books(since, heads))
    click.echo(as_text(report))
    sys.exit(0 if report.ok else 1)


@ledger.command("head")
@in_words
def ledger_head() -> None:
    """Seal what is left and print the head of the chain, to be kept elsewhere."""
    from kameng.ops.books import head_text

    click.echo(_in_app(head_text))


@cli.group()
def payments() -> None:
    """Money from and to the gateways."""


@payments.command("reconcile")
@click.option("--day", help="The day of the bills (YYYY-MM-DD); without it yesterday in China.")
@in_words
def payments_reconcile(day: str | None) -> None:
    """Compare the gateways' bills of a day with the books; exit code 1 when something is open."""
    from kameng.ops.bills import reconcile

    text, agrees = _in_app(lambda: reconcile(day))
    click.echo(text)
    sys.exit(0 if agrees else 1)


@cli.group()
def vault() -> None:
    """Keys of the card vault."""


@vault.command("rotate")
@in_words
def vault_rotate() -> None:
    """Make a new data key; new cards use it, old ones stay readable."""
    from kameng.ops import vault as keys

    click.echo(_in_app(keys.rotate))


@vault.command("reencrypt")
@in_words
def vault_reencrypt() -> None:
    """Encrypt stored cards again under the newest data key; may be stopped and repeated."""
    from kameng.ops import vault as keys

    click.echo(_in_app(keys.reencrypt))


@vault.command("rewrap")
@in_words
def vault_rewrap() -> None:
    """Move all data keys to a new master key (the old one in KAMENG_MASTER_KEY_PREVIOUS)."""
    from kameng.ops import vault as keys

    click.echo(_in_app(keys.rewrap))


@cli.group()
def backup() -> None:
    """Backups of the database."""


@backup.command("now")
@in_words
def backup_now() -> None:
    """Make a base backup now."""
    from kameng.ops.backup import commands

    _say(commands.now(_settings()))


@backup.command("list")
@in_words
def backup_list() -> None:
    """Show the backups and how far the archive goes."""
    from kameng.ops.backup import commands
    from kameng.ops.runtime import effective_settings

    _say(commands.listed(commands.at_rest(effective_settings())))


@backup.command("drill")
@in_words
def backup_drill() -> None:
    """Try the newest backup out on a copy; exit code 1 when the copy differs."""
    from kameng.ops.backup import commands

    lines, ok = commands.drill(_settings())
    _say(lines)
    sys.exit(0 if ok else 1)


@backup.command("restore")
@click.option("--to", default="latest", show_default=True, help="A moment, or latest.")
@click.option("--into", required=True, help="A folder that does not exist yet.")
@in_words
def backup_restore(to: str, into: str) -> None:
    """Restore into a folder, ready to be brought into service in recovery mode."""
    from kameng.ops.backup import commands
    from kameng.ops.runtime import effective_settings

    _say(commands.restore(commands.at_rest(effective_settings()), to, into))


@cli.group()
def recovery() -> None:
    """The time after a restore."""


@recovery.command("begin")
@click.option("--restored-to", required=True, help="The last moment that the database knows of.")
@in_words
def recovery_begin(restored_to: str) -> None:
    """Begin the recovery mode of a database that was restored by other means."""
    from kameng.ops.recovering import commands

    _say(commands.begin_by_hand(_settings(), restored_to))


@recovery.command("status")
@in_words
def recovery_status() -> None:
    """Show what was asked outside and what is still open; exit code 1 while the mode lasts."""
    from kameng.ops.recovering import commands

    lines, over = _in_app(commands.status)
    _say(lines)
    sys.exit(0 if over else 1)


@recovery.command("end")
@click.option("--anyway", is_flag=True, help="Although questions have no answer.")
@in_words
def recovery_end(anyway: bool) -> None:
    """End the recovery mode; exit code 1 when questions have no answer."""
    from kameng.ops.recovering import commands

    lines, over = _in_app(lambda: commands.end(anyway))
    _say(lines)
    sys.exit(0 if over else 1)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


@cli.group()
def plugins() -> None:
    """Installed plugins."""


@plugins.command("list")
@in_words
def plugins_list() -> None:
    """Show every installed plugin: version, state, digest of its files, and why it is not used."""
    from kameng.ops.plugin_list import list_lines
    from kameng.ops.runtime import effective_settings

    for line in list_lines(effective_settings()):
        click.echo(line)


@plugins.command("lock")
@in_words
def plugins_lock() -> None:
    """Print the allow-list for what is installed now, for KAMENG_PLUGINS_ALLOW."""
    from kameng.ops.plugin_list import lock_text

    click.echo(lock_text())


@cli.command()
def version() -> None:
    """Print the version."""
    click.echo(distribution_version("kameng"))


@cli.command()
@in_words
def settings() -> None:
    """Print the settings as they take effect, secrets masked."""
    from kameng.ops.runtime import effective_settings

    effective = effective_settings()
    for field in fields(effective):
        click.echo(f"KAMENG_{field.name.upper()}={_masked(field.name, effective)}")


def _masked(name: str, settings: Settings) -> str:
    value = str(getattr(settings, name))
    if name in SECRET_FIELDS:
        return "********" if value else ""
    if name in URL_FIELDS and "@" in value:
        scheme, _, rest = value.partition("://")
        login, _, where = rest.rpartition("@")
        return f"{scheme}://{login.partition(':')[0]}{':********' * (':' in login)}@{where}"
    return value


def main() -> None:
    """Entry point of the console script."""
    cli(prog_name="kameng")


if __name__ == "__main__":
    main()
