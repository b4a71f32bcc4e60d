"""Forms of our pages, read as a browser would: where they go and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit


@dataclass
class Form:
    """A form of a page: where it goes and what it holds."""

    action: str = ""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)


class FormReader(HTMLParser):
    """Collects the forms of a page with their preset values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "input" and self.forms and given.get("name"):
            kind = given.get("type", "text")
            if kind not in ("radio", "checkbox") or "checked" in given:
                self.forms[-1].values[given["name"]] = given.get("value", "")


def form_of(page: str, action: str) -> Form:
    """The page's form with that action; raises LookupError when there is none."""
    reader = FormReader()
    reader.feed(page)
    for form in reader.forms:
        if urlsplit(form.action).path == action:
            return form
    raise LookupError(action)
