"""The signature of acg-faka, and the numbers we give our purchases over there."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def pairs(form: Mapping[str, str | Mapping[str, str]]) -> list[tuple[str, str]]:
    """The form as PHP writes it: a mapping under `sku` becomes `sku[name]`."""
    flat: list[tuple[str, str]] = []
    for name, value in form.items():
        if isinstance(value, str):
            flat.append((name, value))
        else:
            flat += [(f"{name}[{key}]", text) for key, text in value.items()]
    return flat


def sign(form: Mapping[str, str | Mapping[str, str]], key: str) -> str:
    """Lower-case MD5 of the decoded query of the sorted fields, then `&key=` and the key.

    Fields that are exactly "" and `sign` stay out. The key is decoded too: `+` and `%` in it turn
    into something else, as they do in the reference.
    """
    kept = {name: form[name] for name in sorted(form) if name != "sign" and form[name] != ""}
    query = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in pairs(kept))
    text = unquote_plus(f"{query}&key={key}")
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def verify(form: Mapping[str, str], key: str, signature: str) -> bool:
    """Compare in constant time; bytes, because other letters than ASCII cannot be compared."""
    return hmac.compare_digest(sign(form, key).encode(), signature.encode())


def request_no(purchase_no: str) -> str:
    """Our number in at most 19 letters: `1` and its 20 digits, read as a number in base 36.

    The `1` keeps leading zeros apart, so no two numbers become one. Capitals and digits only, as
    the column over there does not tell capitals from small letters. Raises `ValueError`.
    """
    if not (purchase_no.isascii() and purchase_no.isdecimal()) or len(purchase_no) > 24:
        raise ValueError("a purchase number has at most 24 digits")
    rest, text = int(f"1{purchase_no}"), ""
    while rest:
        rest, digit = divmod(rest, 36)
        text = DIGITS[digit] + text
    return text
