"""One WSGI application that holds every plugin's simulator, each under its own name."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from kameng.logging import configure_logging
from kameng.ops.home import find_home
from kameng.ops.inbox import Inbox
from kameng.ops.runtime import effective_settings
from kameng.plugins.api import init_plugins
from kameng.plugins.api import simulators as plugin_simulators
from kameng.settings import Settings, SettingsError
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create() -> Wsgi:
    """The application from the environment; refused outside demo mode."""
    settings = effective_settings()
    if not settings.demo:
        raise SettingsError("simulators are for the demo: nothing they confirm was ever paid")
    configure_logging(settings)
    return mount({**load(settings), Inbox.name: Inbox()})


def load(settings: Settings) -> dict[str, Simulator]:
    """All simulators by name; of two with one name the first plugin's counts."""
    app = Flask(__name__)
    init_plugins(app, settings)
    folder: Path = find_home({"KAMENG_HOME": str(settings.home)}).simulators
    environment = SimulatorEnvironment(state_folder=folder, base_url=settings.simulator_url)
    found: dict[str, Simulator] = {}
    with app.app_context():
        for _plugin, simulator in plugin_simulators(environment):
            found.setdefault(simulator.name, simulator)
    return found


def mount(simulators: Mapping[str, Simulator]) -> Wsgi:
    """Pass ``/<name>/…`` on, with the name moved to SCRIPT_NAME; ``/`` lists them."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name, slash, rest = environ.get("PATH_INFO", "").lstrip("/").partition("/")
        simulator = simulators.get(name)
        if simulator is None:
            return _overview(simulators, bool(name), start_response)
        inner = {
            **environ,
            "SCRIPT_NAME": f"{environ.get('SCRIPT_NAME', '')}/{name}",
            "PATH_INFO": f"{slash}{rest}",
        }
        return simulator.wsgi_app(inner, start_response)

    return application


def _entry(simulator: Simulator) -> str:
    """A supplier has a page with its goods, orders and levers; a gateway shows itself to payers."""
    name = html.escape(simulator.name)
    if isinstance(simulator, Inbox):
        return f'<a href="/{name}/">回调收件箱</a>'
    if not isinstance(simulator, SupplierSimulator):
        return name
    return f'<a href="/{name}/">{html.escape(simulator.title)}</a>'


def _overview(
    simulators: Mapping[str, Simulator], unknown: bool, start_response: Callable[..., Any]
) -> Iterable[bytes]:
    rows = "".join(f"<li>{_entry(simulators[name])}</li>" for name in sorted(simulators))
    body = (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟器</title>'
        "<h1>模拟器</h1><p>演示用：这里的付款和供货都不是真的。供应商的页面可以改成本、库存、"
        f"余额，也可以让它撒谎。</p><ul>{rows}</ul>"
    ).encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", "default-src 'none'"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("404 Not Found" if unknown else "200 OK", headers)
    return [body]
