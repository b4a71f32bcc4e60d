"""States of a station and rules of its names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

TRANSITIONS: dict[str, frozenset[str]] = {
    "applied": frozenset({"training", "trial", "active", "closed"}),
    "training": frozenset({"trial", "active", "closed"}),
    "trial": frozenset({"active", "restricted", "suspended", "closed"}),
    "active": frozenset({"restricted", "suspended", "closed"}),
    "restricted": frozenset({"active", "suspended", "closed"}),
    "suspended": frozenset({"active", "restricted", "closed"}),
    "closed": frozenset(),
}

# A restricted station loses privileges (withdrawal, promotion), not its shoppers.
SELLING_STATES = frozenset({"trial", "active", "restricted"})
VISIBLE_STATES = SELLING_STATES


def may_become(state: str, new_state: str) -> bool:
    """Whether the state machine has this transition."""
    return new_state in TRANSITIONS.get(state, frozenset())


SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")
RESERVED_SLUGS = frozenset(
    [
        "www",
        "api",
        "admin",
        "main",
        "console",
        "static",
        "assets",
        "cdn",
        "img",
        "images",
        "media",
        "files",
        "download",
        "app",
        "m",
        "wap",
        "h5",
        "mail",
        "smtp",
        "imap",
        "pop",
        "email",
        "webmail",
        "mx",
        "ns",
        "ns1",
        "ns2",
        "dns",
        "ftp",
        "sftp",
        "ssh",
        "vpn",
        "git",
        "svn",
        "test",
        "demo",
        "dev",
        "staging",
        "beta",
        "status",
        "health",
        "internal",
        "metrics",
        "root",
        "system",
        "official",
        "kameng",
        "support",
        "help",
        "docs",
        "blog",
        "news",
        "shop",
        "store",
        "pay",
        "payment",
        "cashier",
        "checkout",
        "hooks",
        "webhook",
        "callback",
        "notify",
        "login",
        "signin",
        "signup",
        "register",
        "account",
        "auth",
        "oauth",
        "sso",
        "passport",
        "id",
        "user",
        "users",
        "member",
        "vip",
        "security",
        "abuse",
        "postmaster",
        "hostmaster",
        "webmaster",
        "administrator",
        "localhost",
        "local",
        "example",
    ]
)
# Digits and pairs that read like letters: two slugs with one skeleton look the same at a glance.
_LOOKS_LIKE = str.maketrans("0123456789i", "olzeasbtbgl")
_PAIRS = (("m", "rn"), ("w", "vv"))  # unfolded: folded from the left, vvv and vw would differ

NAME_MIN, NAME_MAX = 2, 20
_NAME_EXTRA = frozenset(" ·•-_&()（）!！.'’+「」")
_SCRIPTS = ("CJK", "LATIN", "DIGIT", "FULLWIDTH", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC")
_IMPERSONATION = ("官方", "主站", "平台客服", "official")
THEME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def normalise_slug(slug: str) -> str:
    """As typed, in lower case and without spaces around."""
    return slug.strip().lower()


def slug_problem(slug: str) -> str:
    """ "" when a slug may stand in a host name, else a code.

    Codes: format, length, double_hyphen, punycode, reserved, reserved_look_alike.
    """
    if slug.startswith("xn--"):
        return "punycode"
    if not re.fullmatch(r"[a-z0-9-]*", slug) or slug.startswith("-") or slug.endswith("-"):
        return "format"
    if not 3 <= len(slug) <= 32:
        return "length"
    if "--" in slug:
        return "double_hyphen"
    if slug in RESERVED_SLUGS:
        return "reserved"
    if skeleton(slug) in _RESERVED_SKELETONS:
        return "reserved_look_alike"
    return "" if SLUG.fullmatch(slug) else "format"


def skeleton(slug: str) -> str:
    """What a hasty eye sees: `a1pha`, `al-pha` and `alpha` have one skeleton."""
    seen = slug.replace("-", "").translate(_LOOKS_LIKE)
    for letter, pair in _PAIRS:
        seen = seen.replace(letter, pair)
    return seen


def look_alike(slug: str, taken: Iterable[str]) -> str | None:
    """The taken slug that this one would be mistaken for, or None."""
    wanted = skeleton(slug)
    return next((other for other in taken if skeleton(other) == wanted), None)


def normalise_name(name: str) -> str:
    """NFKC (full-width letters become plain ones), single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


def name_problem(name: str) -> str:
    """ "" when a normalised station name may be shown, else a code.

    Codes: length, markup, invisible, script, characters, impersonation.
    """
    if re.search(r"[<>{}\[\]`\\/\"]|javascript:|&#|&[a-z]+;", name, re.IGNORECASE):
        return "markup"
    if not NAME_MIN <= len(name) <= NAME_MAX:
        return "length"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cn", "Mn") for char in name):
        return "invisible"
    if any(char.isalpha() and not _known_script(char) for char in name):
        return "script"
    if not all(char.isalnum() or char in _NAME_EXTRA for char in name):
        return "characters"
    if not any(char.isalnum() for char in name):
        return "characters"
    # By its key: 官·方, 0fficial and full-width letters claim the same.
    if any(name_key(word) in name_key(name) for word in _IMPERSONATION):
        return "impersonation"
    return ""


def name_key(name: str) -> str:
    """Two names with one key look the same."""
    letters = "".join(char for char in name.casefold() if char.isalnum())
    return letters.translate(_LOOKS_LIKE)


def is_theme(theme: str) -> bool:
    """Whether a text can be the id of a theme."""
    return bool(THEME.fullmatch(theme))


def _known_script(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_SCRIPTS)


_RESERVED_SKELETONS = frozenset(skeleton(word) for word in RESERVED_SLUGS)
