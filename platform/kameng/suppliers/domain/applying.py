"""Who may apply to supply: what must be filled in, and what is never taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

MAX_FILE = 5 * 1024 * 1024
MOST_FILES = 8
MEDIA = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"%PDF-": "application/pdf",
}
DOCUMENT_KINDS = (
    "business_licence", "telecom_licence", "brand_authorisation", "identity", "bank_account",
    "other",
)  # fmt: skip

_MAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?[\d -]{6,20}")

# Crypto-assets are not sold here. Long words are found whatever stands between their letters;
# short ones of Latin letters only as words, for "method" holds "eth".
_ANYWHERE = (
    "比特币", "以太坊", "以太币", "泰达币", "狗狗币", "莱特币", "瑞波币", "波场币", "柴犬币",
    "火币", "币安", "欧易", "虚拟货币", "虚拟币", "加密货币", "加密资产", "加密币", "数字货币",
    "稳定币", "空投币", "挖矿", "矿机", "算力出租", "区块链资产", "场外u", "u商", "bitcoin",
    "ethereum", "tether", "usdt", "usdc", "dogecoin", "litecoin", "binance", "cryptocurrency",
    "stablecoin", "cryptoasset",
)  # fmt: skip
_WORDS = ("btc", "eth", "trx", "bnb", "xrp", "nft", "okx", "crypto", "trc20", "erc20")
_WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(_WORDS)})(?![a-z0-9])")


def crypto_word(*texts: str) -> str:
    """The first word for a crypto-asset in these texts, or "" when there is none."""
    for text in texts:
        folded = unicodedata.normalize("NFKC", text).casefold()
        tight = "".join(sign for sign in folded if sign.isalnum())
        found = next((word for word in _ANYWHERE if word in tight), "")
        if not found and (match := _WORD.search(folded)):
            found = match[1]
        if found:
            return found.upper() if found.isascii() else found
    return ""


def application_problems(given: Mapping[str, str]) -> dict[str, str]:
    """Field → what is wrong with it: missing, too_short, bad_mail, bad_phone."""
    wrong = {}
    for name, least in (("name", 2), ("legal_name", 4), ("contact_name", 2), ("about", 10)):
        if len(given.get(name, "").strip()) < least:
            wrong[name] = "too_short"
    if not _PHONE.fullmatch(given.get("phone", "").strip()):
        wrong["phone"] = "bad_phone"
    if not _MAIL.fullmatch(given.get("email", "").strip()):
        wrong["email"] = "bad_mail"
    return wrong


def media_type(content: bytes) -> str:
    """The kind of a file by its first bytes, "" for what is neither a picture nor a PDF."""
    return next((kind for start, kind in MEDIA.items() if content.startswith(start)), "")


def code_from(name: str, taken: frozenset[str] | set[str]) -> str:
    """A supplier's short code: the Latin part of its name, else "supplier"; numbered when taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30] or "supplier"
    base = base if len(base) > 1 else f"supplier-{base}"
    code, number = base, 1
    while code in taken:
        number += 1
        code = f"{base}-{number}"
    return code
