"""What a shopper types into purchase fields: cleaned, or refused with how to put it right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kameng.catalog.domain.pattern import PatternError, compile_pattern

KINDS = ("text", "phone", "email", "number", "choice", "account")
MAX_LENGTH = {"text": 200, "phone": 40, "email": 120, "number": 30, "choice": 100, "account": 64}
PHONE_DIGITS = 11
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_EMAIL_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_EMAIL_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One purchase field of a product."""

    name: str
    label: str
    kind: str
    required: bool = True
    pattern: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value: a code, and the numbers for its sentence."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def validate_value(rule: FieldRule, raw: object) -> tuple[str, Problem | None]:
    """The cleaned value and None, or what was typed and its problem."""
    if raw is not None and not isinstance(raw, str | int):
        return "", Problem("not_text", {"label": rule.label})
    typed = "" if raw is None else str(raw)
    value = unicodedata.normalize("NFKC", typed[:1000]).strip()
    if not value:
        return "", Problem("required", {"label": rule.label}) if rule.required else None
    limit = MAX_LENGTH[rule.kind]
    if len(value) > limit or len(typed) > 1000:
        over = max(len(value), len(typed)) - limit
        facts = {"label": rule.label, "over": over, "limit": limit}
        return value[:limit], Problem("too_long", facts)
    if not value.replace("\n", "").replace("\r", "").isprintable():
        return value, Problem("invisible", {"label": rule.label})
    return _CHECKS[rule.kind](rule, value)


def validate_all(
    rules: Sequence[FieldRule], raw: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, Problem]]:
    """All fields of a product; what no field asks for is dropped."""
    clean: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    for rule in rules:
        value, problem = validate_value(rule, raw.get(rule.name))
        if problem is not None:
            problems[rule.name] = problem
        elif value:
            clean[rule.name] = value
    return clean, problems


def field_problem(rule: FieldRule) -> Problem | None:
    """Why a field may not be saved as it is; None when it may."""
    if not NAME.fullmatch(rule.name):
        return Problem("field_name", {"name": rule.name})
    if not 1 <= len(rule.label) <= 40 or not rule.label.isprintable():
        return Problem("field_label", {"name": rule.name})
    if rule.kind not in KINDS:
        return Problem("field_kind", {"name": rule.name})
    if (rule.kind == "choice") != bool(rule.choices) or len(rule.choices) > 100:
        return Problem("field_choices", {"label": rule.label})
    if any(not choice.strip() or len(choice) > 100 for choice in rule.choices):
        return Problem("field_choices", {"label": rule.label})
    try:
        compile_pattern(rule.pattern)
    except PatternError as error:
        return Problem("field_pattern", {"label": rule.label, "position": error.position + 1})
    return None


Check = Callable[[FieldRule, str], tuple[str, Problem | None]]


def _phone(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    digits = re.sub(r"[\s\-()]", "", value)
    digits = re.sub(r"^(\+86|0086)", "", digits)
    strange = next((char for char in digits if not "0" <= char <= "9"), "")
    if strange:
        return value, Problem("phone_character", {"character": strange})
    if len(digits) < PHONE_DIGITS:
        return value, Problem("phone_short", {"missing": PHONE_DIGITS - len(digits)})
    if len(digits) > PHONE_DIGITS:
        return value, Problem("phone_long", {"extra": len(digits) - PHONE_DIGITS})
    if not re.match(r"1[3-9]", digits):
        return value, Problem("phone_prefix", {})
    return _with_pattern(rule, digits)


def _email(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    local, at, host = value.rpartition("@")
    if not at:
        return value, Problem("email_at", {})
    labels = host.split(".")
    if len(labels) < 2 or not all(_EMAIL_LABEL.fullmatch(label) for label in labels):
        return value, Problem("email_host", {"host": host})
    if not _EMAIL_LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        return value, Problem("email_local", {})
    return _with_pattern(rule, f"{local}@{host.lower()}")


def _number(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    compact = value.replace(" ", "").replace(",", "")
    strange = next((char for char in compact if not "0" <= char <= "9"), "")
    if strange:
        return value, Problem("number_character", {"label": rule.label, "character": strange})
    return _with_pattern(rule, compact)


def _choice(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    wanted = {unicodedata.normalize("NFKC", choice).strip(): choice for choice in rule.choices}
    if value not in wanted:
        return value, Problem("choice", {"label": rule.label})
    return wanted[value], None


def _account(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    if any(char.isspace() for char in value):
        return value, Problem("account_space", {"label": rule.label})
    return _with_pattern(rule, value)


def _text(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    return _with_pattern(rule, value)


def _with_pattern(rule: FieldRule, value: str) -> tuple[str, Problem | None]:
    if not rule.pattern:
        return value, None
    try:
        fits = compile_pattern(rule.pattern).matches(value)
    except PatternError:
        fits = True  # an old pattern that is refused today: not the shopper's fault
    if fits:
        return value, None
    return value, Problem("pattern", {"label": rule.label, "help": rule.help})


_CHECKS: dict[str, Check] = {
    "phone": _phone,
    "email": _email,
    "number": _number,
    "choice": _choice,
    "account": _account,
    "text": _text,
}
