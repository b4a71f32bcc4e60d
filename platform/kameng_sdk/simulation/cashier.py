"""Cashier pages: the plugin's own templates on the common sheet, which says it is a simulator."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader
from werkzeug.wrappers import Request, Response

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
    """Templates of `package`/pages. Each extends `layout.html`; `root` and `operator` are given."""

    def __init__(self, package: str, operator: str) -> None:
        folders = [PackageLoader(package, "pages"), PackageLoader(__package__, "pages")]
        self._templates = Environment(loader=ChoiceLoader(folders), autoescape=True)
        self._operator = operator

    def show(self, request: Request, name: str, *, status: int = 200, **values: object) -> Response:
        """Render one page."""
        text = self._templates.get_template(name).render(
            root=request.script_root, operator=self._operator, **values
        )
        return Response(text, status=status, mimetype="text/html", headers=HEADERS)

    def asset(self, name: str) -> Response:
        """Style sheet or icon."""
        source = self._templates.get_template(name).render()
        return Response(source, mimetype=ASSETS[name], headers={"Cache-Control": "max-age=300"})
