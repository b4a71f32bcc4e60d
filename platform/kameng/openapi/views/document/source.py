"""What the document is made of: data files with every text in both languages."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from kameng.openapi.domain.refusals import REFUSALS, Refusal
from kameng.signing import signature, text_to_sign

Language = Literal["zh", "en"]
FOLDER = Path(__file__).parent
PAIR = {"zh", "en"}


@cache
def part(name: str) -> Any:
    """A data file as it is; never to be changed by the caller."""
    return json.loads((FOLDER / "data" / f"{name}.json").read_text(encoding="utf-8"))


def spoken(value: Any, language: Language) -> Any:
    """A copy in which every pair of texts has become the one of the language."""
    if isinstance(value, dict):
        if value.keys() == PAIR:
            return value[language]
        return {name: spoken(inner, language) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoken(inner, language) for inner in value]
    return value


def title(refusal: Refusal, language: Language) -> str:
    """The sentence of a refusal."""
    return refusal.english if language == "en" else refusal.chinese


def errors(language: Language) -> list[dict[str, Any]]:
    """The catalogue of refusals with what to do about each."""
    advice = spoken(part("codes")["advice"], language)
    return [
        {
            "number": one.number, "code": one.code, "status": one.status,
            "title": title(one, language), "advice": advice[one.code],
        }
        for one in REFUSALS.values()
    ]  # fmt: skip


def vector() -> dict[str, str]:
    """A request with its text to sign and its signature, computed as the server does."""
    given: dict[str, str] = dict(part("vector"))
    signed = (given["method"], given["path"], given["timestamp"], given["nonce"])
    body = given["body"].encode()
    given["text"] = text_to_sign(*signed, body)
    given["signature"] = signature(given["secret"], *signed, body)
    return given
