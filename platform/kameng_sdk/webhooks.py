"""A notice from outside as the host received it, and the answer to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from kameng_sdk.errors import WebhookRefused

MAX_PAIRS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """The raw request. ``query`` is the undecoded query string, ``headers`` are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header by any spelling, or an empty string."""
        return self.headers.get(name.lower(), "")

    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        """Decoded pairs of the query string in their order, empty values kept."""
        return _pairs(self.query)

    def form_pairs(self) -> tuple[tuple[str, str], ...]:
        """Decoded pairs of a form body in their order, empty values kept."""
        try:
            return _pairs(self.body.decode("utf-8"))
        except UnicodeDecodeError:
            raise WebhookRefused("body is not UTF-8") from None


def single_values(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Pairs as a dict; a name given twice raises `WebhookRefused`, as no reading of it is safe."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise WebhookRefused("a parameter is given twice")
    return values


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
        )
    except ValueError:
        raise WebhookRefused("parameters cannot be decoded") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReply:
    """What to answer once the effect is committed, exactly as the other side expects it."""

    status: int = 200
    body: bytes | str = b"success"
    content_type: str = "text/plain; charset=utf-8"
