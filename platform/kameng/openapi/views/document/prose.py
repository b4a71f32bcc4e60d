"""The chapters of the document as CommonMark, for readers of `info.description`."""

from __future__ import annotations

from typing import Any

from kameng.openapi.views.document.source import Language, part, spoken, vector


def chapters(language: Language) -> list[dict[str, Any]]:
    """Id, title and blocks of every chapter."""
    found: list[dict[str, Any]] = spoken(part("sections"), language)
    return found


def markdown(language: Language) -> str:
    """All chapters as one text."""
    parts = []
    for chapter in chapters(language):
        parts.append(f"## {chapter['title']}")
        parts += [_block(block) for block in chapter["blocks"]]
    return "\n\n".join(parts) + "\n"


def _block(block: dict[str, Any]) -> str:
    kind, content = next(iter(block.items()))
    if kind == "steps":
        return "\n".join(f"{number}. {text}" for number, text in enumerate(content, 1))
    if kind == "list":
        return "\n".join(f"- {text}" for text in content)
    if kind == "table":
        return _table(content["head"], content["rows"])
    if kind == "code":
        return _code(content)
    return _vector() if kind == "show" else str(content)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    return f"```\n{text}\n```"


def _vector() -> str:
    found = vector()
    request = f"{found['method']} {found['path']}\n\n{found['body']}"
    secret = f"secret: {found['secret']}"
    signed = f"Kameng-Signature: {found['signature']}"
    return "\n\n".join(_code(text) for text in (secret, request, found["text"], signed))
