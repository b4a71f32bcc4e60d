"""Which of our SKUs an offer is likely to be, and which of our fields its fields are. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

UNITS = 10_000  # of one yuan
CLOSELY = 12  # SKUs that are compared letter by letter
LEAST = 35  # a lower score is no suggestion
_OWN_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_KINDS = {"phone": "phone", "email": "email", "account": "account", "qq": "account"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BRACKETS = re.compile(r"【[^】]*】|\[[^\]]*\]")  # suppliers praise their goods in them
_ASKING = re.compile(r"^(?:请|输入|填写|您的|你的)+")
_NO_WORD = re.compile(r"[\W_]+")
# Names and labels that mean the same thing at one supplier or another.
_MEANINGS: Mapping[str, str] = {
    word: meaning
    for meaning, words in {
        "phone": "手机 手机号 手机号码 充值手机 充值手机号 充值号码 电话 "
        "mobile phone tel phoneno mobileno",
        "qq": "qq qq号 qq号码 qq账号 充值qq 充值qq号 qqnumber",
        "account": "账号 帐号 账户 充值账号 充值帐号 充值账户 游戏账号 用户名 "
        "account rechargeaccount chargeaccount user username uid userid accountno",
        "email": "邮箱 电子邮箱 邮箱地址 email mail",
        "region": "区服 大区 服务器 游戏区 区 server region area gameserver",
        "role": "角色 角色名 角色名称 role rolename",
        "password": "密码 password pwd",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Something that has a name: an offer, or one of our SKUs. `face_value` at scale 4, or 0."""

    id: int
    name: str
    kind: str
    face_value: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A SKU that an offer may be; the score is of 100."""

    sku_id: int
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of either side."""

    name: str
    label: str = ""
    required: bool = True


def fits(offer_kind: str, sku_kind: str) -> bool:
    """Codes are sold as cards, and nothing else is."""
    return (offer_kind == "card") == (sku_kind == "card")


def suggest(offer: Goods, skus: Iterable[Goods], most: int = 3) -> list[Suggestion]:
    """The likeliest SKUs, best first; none where nothing is like it."""
    pairs = _pairs(offer.name)
    fitting = [sku for sku in skus if fits(offer.kind, sku.kind)]
    close = sorted(fitting, key=lambda sku: (-_overlap(pairs, _pairs(sku.name)), sku.id))[:CLOSELY]
    scored = [Suggestion(sku_id=sku.id, score=score(offer, sku)) for sku in close]
    likely = sorted(scored, key=lambda found: (-found.score, found.sku_id))[:most]
    return [found for found in likely if found.score >= LEAST]


def score(offer: Goods, sku: Goods) -> int:
    """How much alike the two are, of 100: name first, then the number that both speak of."""
    name = _plain(sku.name)
    alike = max(
        SequenceMatcher(None, _plain(text), name, autojunk=False).ratio()
        for text in (offer.name, _BRACKETS.sub("", offer.name))
    )
    theirs = set(_numbers(offer.name))
    ours = {*_numbers(sku.name), *([sku.face_value] if sku.face_value else [])}
    value = 0.5 if not theirs or not ours else float(bool(theirs & ours))
    kind = 1.0 if offer.kind == sku.kind else 0.5
    return round(100 * (0.65 * alike + 0.25 * value + 0.1 * kind))


def map_fields(theirs: Sequence[Field], ours: Sequence[Field]) -> dict[str, str]:
    """Their field → ours, where that is sure: the same name, label or meaning, or the only one."""
    found: dict[str, str] = {}
    for same in (_same_name, _same_label, _same_meaning):
        for field in theirs:
            match = next((own for own in ours if same(field, own)), None)
            if match is not None and field.name not in found and match.name not in found.values():
                found[field.name] = match.name
    left = [field for field in theirs if field.name not in found and field.required]
    free = [own for own in ours if own.name not in found.values()]
    if len(left) == len(free) == 1:
        found[left[0].name] = free[0].name
    return found


def own_field(
    name: str, label: str, number: int, taken: set[str], *, choices: bool
) -> tuple[str, str]:
    """Name and kind of a purchase field of ours for a field of theirs that we do not have yet."""
    meanings = sorted(_meanings(Field(name=name, label=label)))
    wished = [name, *meanings]
    own = next((w for w in wished if _OWN_NAME.fullmatch(w) and w not in taken), f"field_{number}")
    kind = "choice" if choices else next((_KINDS[m] for m in meanings if m in _KINDS), "text")
    return own, kind


def _same_name(field: Field, own: Field) -> bool:
    return _plain(field.name) == _plain(own.name)


def _same_label(field: Field, own: Field) -> bool:
    return bool(field.label) and _plain(field.label) == _plain(own.label)


def _same_meaning(field: Field, own: Field) -> bool:
    return bool(_meanings(field) & _meanings(own))


def _meanings(field: Field) -> set[str]:
    words = (_plain(field.name), _ASKING.sub("", _plain(field.label)))
    return {_MEANINGS[word] for word in words if word in _MEANINGS}


def _plain(text: str) -> str:
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())


def _pairs(text: str) -> set[str]:
    plain = _plain(text)
    return {plain[at : at + 2] for at in range(len(plain) - 1)} or {plain}


def _overlap(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _numbers(text: str) -> list[int]:
    """Numbers of a name as amounts: `100` and `100.00` are the same."""
    found = _NUMBER.findall(unicodedata.normalize("NFKC", text))
    return [round(float(number) * UNITS) for number in found if len(number) < 16]
