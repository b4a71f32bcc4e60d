"""What suppliers and we have agreed, handed in, paid and quarrelled about, and an applicant."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyotp
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.identity import api as identity
from kameng.ops.demo.people import new_password
from kameng.ops.demo.supply import DemoSupplier, Market, load, units
from kameng.suppliers import api as suppliers

BUYER, FINANCE, ADMIN = "staff:5", "staff:2", "staff:1"

_PASSWORD = text("""
UPDATE supplier_user SET password_hash = :hash WHERE supplier_id = :supplier AND id = :id
""")
# Our money at a supplier is what we paid less what was bought; the last payment makes it so.
_REST = text("""
SELECT b.owed + coalesce(c.balance, 0) FROM supply_connection c, supplier_balance(c.supplier_id) b
WHERE c.supplier_id = :supplier
""")
_SLOWEST = text("""
SELECT purchase_no, cost, refunded FROM purchase
WHERE supplier_id = :supplier AND state = 'succeeded' AND queries > 0 AND refunded = 0
ORDER BY created_at DESC, id DESC LIMIT 1
""")


def keep_dossiers(market: Market) -> dict[str, Any]:
    """Papers, contracts, payments and quarrels of all suppliers; the portal's login."""
    today = datetime.now(UTC).date()
    shown: dict[str, Any] = {}
    for one in market.suppliers.values():
        _papers(one, today)
        with main_scope(reason="demo"):
            _contract(one, today)
        if "login" in one.script:
            shown = _portal_login(one, one.script["login"])
    with main_scope(reason="demo"):
        _quarrels(market)
        for one in market.suppliers.values():
            _payments(one, today)
    _applicant()
    return shown


def _papers(one: DemoSupplier, today: date) -> None:
    """Handed in at the portal, then approved with their last day; 0 days: for ever."""
    for kind, title, number, issued_by, days in one.script["papers"]:
        made = suppliers.hand_in(one.id, kind, title, number, _content(kind, number))
        with main_scope(reason="demo"):
            suppliers.review(
                one.id, made, approve=True, reason="", number=number, issued_by=issued_by,
                valid_until=today + timedelta(days=days) if days else None, actor=BUYER,
            )  # fmt: skip


def _contract(one: DemoSupplier, today: date) -> None:
    given = one.script["contract"]
    contact, phone, _mail = one.script["contact"]
    terms = suppliers.ContractTerms(
        terms=given["terms"], valid_from=today - timedelta(days=given["from"]),
        valid_until=today + timedelta(days=given["until"]),
        credit_limit=given["credit"] * 10_000, settlement_cycle=given["cycle"],
        duty_contact=contact, duty_phone=phone, duty_minutes=given["duty"],
    )  # fmt: skip
    made = suppliers.draft_contract(one.id, terms, BUYER)
    if given["costs"]:
        suppliers.put_costs(one.id, made, one.costs, BUYER)
    suppliers.sign_contract(one.id, made, BUYER)
    if "ended" in given:
        suppliers.end_contract(one.id, made, "到账慢、失败多，提前终止", BUYER)


def _payments(one: DemoSupplier, today: date) -> None:
    """Paid in the past with a second person's word; one may still wait for it."""
    for number, (days, amount) in enumerate(one.script["paid"], 1):
        paid = _rest(one) if amount == "rest" else units(amount)
        made = _ask(one, number, paid, today - timedelta(days=days))
        for request in identity.approvals(kind="supplier_payment", subject=str(made)):
            identity.vote(request.station_id, request.id, ADMIN, True, "与对账单一致")
    if "asked" in one.script:
        _ask(one, 0, units(one.script["asked"]), today)


def _ask(one: DemoSupplier, number: int, amount: int, paid_on: date) -> int:
    reference = f"ICBC{paid_on:%Y%m%d}{one.id:03d}{number:02d}"
    return suppliers.request_payment(
        one.id, amount, paid_on, "对公转账", reference, "货款", FINANCE, f"demo-{one.id}-{number}"
    )


def _rest(one: DemoSupplier) -> int:
    rest = int(db.session.execute(_REST, {"supplier": one.id}).scalar_one())
    return max(rest, 100) // 100 * 100


def _portal_login(one: DemoSupplier, login: str) -> dict[str, Any]:
    """A person of this supplier with a password and a second factor, as staff have them."""
    contact, _phone, mail = one.script["contact"]
    password, secret = new_password(), pyotp.random_base32()
    with main_scope(reason="demo"):
        number = suppliers.invite(one.id, login, contact, mail, BUYER)
        hashed = identity.hash_password(password, login)
        db.session.execute(_PASSWORD, {"hash": hashed, "supplier": one.id, "id": number})
        db.session.commit()
    person = suppliers.authenticate(login, password)
    suppliers.enrol(person, secret, pyotp.TOTP(secret).now(), password)
    return {"login": login, "password": password, "totp_secret": secret}


def _quarrels(market: Market) -> None:
    """One is settled, another waits for the supplier's answer."""
    for code, kind, words in (
        ("yunduan", "late", "超过承诺时间半小时才到账，买家已投诉"),
        ("suda", "not_delivered", "买家称未到账，请提供运营商回执"),
    ):
        one = market.suppliers[code]
        row = db.session.execute(_SLOWEST, {"supplier": one.id}).one()
        claim = row.cost if code == "suda" else row.cost // 2 // 100 * 100
        _id, number = suppliers.open_dispute(row.purchase_no, kind, claim, words, "staff:3")
        if code == "yunduan":
            suppliers.agree(one.id, number, claim, "电话沟通，对方同意退一半", "staff:3")


def _applicant() -> None:
    given = dict(load()["applicant"])
    papers = given.pop("papers")
    suppliers.apply(
        given, [suppliers.Upload(kind, title, _content(kind, no), no) for kind, title, no in papers]
    )


def _content(kind: str, number: str) -> bytes:
    """A picture or a page that says that it is a demo's, as small as can be."""
    return _page(number) if kind == "telecom_licence" else _picture(zlib.crc32(number.encode()))


def _page(number: str) -> bytes:
    shown = f"BT /F1 20 Tf 40 140 Td (DEMO, no real licence: {number.encode().hex()[:16]}) Tj ET"
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 560 240] /Contents 4 0 R /Resources"
        " << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream",
    ]
    body = "".join(f"{n} 0 obj\n{part}\nendobj\n" for n, part in enumerate(parts, 1))
    return f"%PDF-1.4\n{body}trailer\n<< /Root 1 0 R >>\n%%EOF\n".encode()


def _picture(seed: int) -> bytes:
    """A PNG of two colours: a border and what would be the paper."""
    width, height = 240, 170
    border, paper = bytes((seed & 127, seed >> 8 & 127, 150)), b"\xf6\xf2\xe6"
    edge = b"\x00" + border * width
    line = b"\x00" + border * 10 + paper * (width - 20) + border * 10
    rows = edge * 10 + line * (height - 20) + edge * 10
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
