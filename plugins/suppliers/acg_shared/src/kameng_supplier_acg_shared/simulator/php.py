"""Forms and signatures as PHP has them, written apart from the plugin's own."""

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus


def php_form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b]=c` becomes `{a: {b: c}}`; the last of two equal names counts."""
    form: dict[str, Any] = {}
    for name, value in pairs:
        outer, bracket, inner = name.partition("[")
        if bracket:
            form.setdefault(outer, {})[inner.rstrip("]")] = value
        else:
            form[name] = value
    return form


def php_sign(form: dict[str, Any], key: str) -> str:
    """The raw text of what is signed; decoding has an effect on the key alone."""
    lines = []
    for name in sorted(form):
        if isinstance(form[name], dict):
            lines += [f"{name}[{inner}]={text}" for inner, text in form[name].items()]
        elif name != "sign" and form[name] != "":
            lines.append(f"{name}={form[name]}")
    text = "&".join([*lines, f"key={unquote_plus(key)}"])
    # Without fields there is nothing before the ampersand, and it stays.
    text = text if lines else f"&{text}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
