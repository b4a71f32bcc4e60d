"""Documents and contracts that run out: people hear of it once at each mark. In main scope."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.db import db
from kameng.jobs import notice_text, send_notice
from kameng.runtime import current_settings
from kameng.stock.api import close_alert, raise_alert
from kameng.suppliers.domain.papers import CONTRACT_NOTICE_DAYS, mark_of, stops_routing
from kameng.suppliers.services.documents import KIND_WORDS
from kameng.suppliers.services.statements import CHINA

# Of each kind only the paper that lasts longest counts: an old one beside its successor is no news.
_PAPERS = text("""
SELECT DISTINCT ON (d.supplier_id, d.kind) d.supplier_id, d.id, d.kind, d.valid_until, s.name,
       s.email FROM supplier_document d JOIN supplier s ON s.id = d.supplier_id
WHERE d.state = 'approved' AND s.state IN ('active', 'paused') AND NOT s.internal
ORDER BY d.supplier_id, d.kind, coalesce(d.valid_until, 'infinity') DESC, d.id DESC
""")
_CONTRACTS = text("""
SELECT k.supplier_id, k.id, k.contract_no, k.valid_until, s.name FROM supplier_contract k
JOIN supplier s ON s.id = k.supplier_id WHERE k.state = 'active'
""")
_MARKS = (30, 7, 0)


def watch_expiry(today: date | None = None) -> int:
    """Raise what has come near its end, close what was renewed; returns how many were raised."""
    today = today or datetime.now(CHINA).date()
    raised = sum(_paper(row, today) for row in db.session.execute(_PAPERS).all())
    raised += sum(_contract(row, today) for row in db.session.execute(_CONTRACTS).all())
    db.session.commit()
    return raised


def _paper(row: Any, today: date) -> int:
    mark = mark_of(row.valid_until, today)
    subject = f"supplier:{row.supplier_id}"
    for other in _MARKS:
        if other != mark:
            close_alert(f"paper_{row.kind}_{other}", subject)
    if mark is None:
        return 0
    word = str(KIND_WORDS[row.kind])
    title = (
        _("%(name)s 的%(paper)s已到期，已停止向它采购", name=row.name, paper=word)
        if mark == 0 and row.valid_until < today and stops_routing(row.kind)
        else _("%(name)s 的%(paper)s到 %(day)s 为止", name=row.name, paper=word,
               day=row.valid_until)
    )  # fmt: skip
    detail = {"document": row.id, "valid_until": row.valid_until.isoformat()}
    fresh = raise_alert(f"paper_{row.kind}_{mark}", subject, title, detail)
    settings = current_settings()
    link = f"{settings.host_url(settings.main_host)}/supplier/documents"
    words = notice_text(
        "supplier.paper", "", supplier=row.name, paper=word, day=str(row.valid_until), link=link
    )
    dedup = f"supplier.paper:{row.id}:{row.valid_until}:{mark}"
    send_notice(1, "supplier.paper", row.email, *words, dedup)
    return int(fresh)


def _contract(row: Any, today: date) -> int:
    if (row.valid_until - today).days > CONTRACT_NOTICE_DAYS:
        return 0
    title = _(
        "%(name)s 的合同 %(no)s 到 %(day)s 为止", name=row.name, no=row.contract_no,
        day=row.valid_until,
    )  # fmt: skip
    detail = {"contract_no": row.contract_no, "valid_until": row.valid_until.isoformat()}
    subject = f"contract:{row.contract_no}"
    return int(raise_alert("contract_ending", subject, title, detail))
