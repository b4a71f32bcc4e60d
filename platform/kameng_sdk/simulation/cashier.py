"""Cashier pages: the plugin's own templates on the common sheet, which says it is a simulator."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import ChoiceLoader, Environment, PackageLoader
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.english import ENGLISH

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
ASSETS = {"cashier.css": "text/css", "icon.svg": "image/svg+xml"}


class CashierPages:
    """Templates of `package`/pages; `root` and `operator` are given to each.

    Each extends `payment.html` (the whole cashier; its comment says what it is told) or, for other
    pages, `layout.html`. `unpayable.html` needs only a `reason`.

    `_(text, name=value)` says a text in the browser's language: Chinese, or English from `english`
    and the common texts.
    """

    def __init__(self, package: str, operator: str, english: Mapping[str, str]) -> None:
        folders = [PackageLoader(package, "pages"), PackageLoader(__package__, "pages")]
        self._templates = Environment(loader=ChoiceLoader(folders), autoescape=True)
        self._operator = operator
        self._english = {**ENGLISH, **english}

    def show(self, request: Request, name: str, *, status: int = 200, **values: object) -> Response:
        """Render one page."""
        language = request.accept_languages.best_match(["zh-CN", "en"], "zh-CN")

        def say(text: str, **facts: object) -> str:
            return (self._english.get(text, text) if language == "en" else text).format(**facts)

        page = self._templates.get_template(name).render(
            root=request.script_root, operator=self._operator, language=language, _=say, **values
        )
        headers = {**HEADERS, "Vary": "Accept-Language"}
        return Response(page, status=status, mimetype="text/html", headers=headers)

    def asset(self, name: str) -> Response:
        """Style sheet or icon."""
        source = self._templates.get_template(name).render()
        return Response(source, mimetype=ASSETS[name], headers={"Cache-Control": "max-age=300"})
