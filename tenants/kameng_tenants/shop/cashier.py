"""What a shopper needs to pay an open attempt: a form to send on, WeChat's bridge, bank details.

The same for orders and for the wallet: both pages show `parts/cashier.html`, and go through
`pay/go.html` where the browser itself has to do something first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from markupsafe import Markup

from kameng.errors import DomainError
from kameng.payments import api as payments
from kameng.web import allow_form_target, client_ip, limit
from kameng_tenants.shop.paying import qr_svg
from kameng_tenants.themes import render_page

MOST_PROOFS = 3
MOST_BYTES = 2 * 1024 * 1024
SIGNS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
OPEN = ("created", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class Cashier:
    """An attempt as the page shows it; `home` is the page that waits, `key` its secret, if any."""

    attempt_no: str
    method: str
    amount: int
    redirect_url: str
    qr: Markup | None
    form: Mapping[str, str]
    bridge: str  # JSON for WeChat, or nothing
    details: Sequence[Mapping[str, Any]]
    proofs: Sequence[Any]
    expires_at: datetime
    message: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether a person will confirm the money."""
        return bool(self.details)

    @property
    def goes_on(self) -> bool:
        """Whether the browser has to do something before the shopper sees the gateway."""
        return bool(self.form or self.bridge)

    @property
    def room(self) -> int:
        """How many pictures more may be sent."""
        return max(0, MOST_PROOFS - len(self.proofs))


def cashier_of(attempt: Any) -> Cashier:
    """The cashier of an attempt."""
    found = attempt.cashier or {}
    details = found.get("details") or []
    bridge = found.get("bridge") or {}
    sent = payments.proofs_of(attempt.station_id, attempt.attempt_no) if details else []
    return Cashier(
        attempt.attempt_no, attempt.method, attempt.amount, attempt.redirect_url,
        qr_svg(attempt.qr_content), found.get("form") or {},
        json.dumps(bridge) if bridge else "", details, sent, attempt.expires_at,
    )  # fmt: skip


def usable(attempt: Any) -> bool:
    """Whether an attempt still waits for its money."""
    return attempt.state in OPEN and attempt.expires_at > datetime.now(UTC)


def by_hand(attempt: Any) -> bool:
    """Whether a person will confirm its money."""
    return bool((attempt.cashier or {}).get("details"))


def go_page(attempt: Any, home: str, elsewhere: str) -> Response:
    """The page between shop and gateway: it sends the form on, or calls WeChat."""
    cashier = cashier_of(attempt)
    allow_form_target(cashier.redirect_url)
    response = render_page(
        "pay/go.html",
        page_title=_("正在打开付款页"),
        back=home,
        cashier=cashier,
        home=home,
        elsewhere=elsewhere,
    )
    response.headers["Cache-Control"] = "no-store"
    # A gateway need not learn the address, which may hold the order's key.
    response.headers["Referrer-Policy"] = "origin"
    return response


def take_proof(attempt: Any) -> None:
    """Keep the picture of this request; raises `DomainError` with what is wrong with it."""
    limit("proof", attempt.attempt_no, 10, 600)
    limit("proof-from", client_ip(), 30, 3600)
    sent = request.files.get("proof")
    content = sent.stream.read(MOST_BYTES + 1) if sent else b""
    if sent:
        sent.close()
    if not content:
        raise DomainError("proof_missing", _("请选一张转账截图"), 422)
    if len(content) > MOST_BYTES:
        raise DomainError("proof_too_big", _("图片不能超过 2 MB，截图后再传"), 422)
    kind = picture_kind(content)
    if not kind:
        raise DomainError("proof_kind", _("只能传 PNG、JPG 或 WebP 图片"), 422)
    if len(payments.proofs_of(attempt.station_id, attempt.attempt_no)) >= MOST_PROOFS:
        raise DomainError("proof_many", _("截图已经够了，请等确认。"), 409)
    if not usable(attempt):
        raise DomainError("proof_late", _("这笔付款已经结束，不用再传"), 409)
    note = " ".join(request.form.get("note", "").replace("\0", "").split())[:100]
    payments.add_proof(attempt.attempt_no, kind, content, note, client_ip())


def picture_kind(content: bytes) -> str:
    """The media type by the first bytes; what a browser claims does not count."""
    for kind, sign in SIGNS.items():
        if content.startswith(sign) and (kind != "image/webp" or content[8:12] == b"WEBP"):
            return kind
    return ""
