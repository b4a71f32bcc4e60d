"""Purchase fields: what is cleaned, what is refused, and that no pattern can hold up a worker."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.catalog.domain.fields import FieldRule, field_problem, validate_all, validate_value
from kameng.catalog.domain.pattern import PatternError, compile_pattern


def rule(kind: str, **more: object) -> FieldRule:
    return FieldRule("account", "游戏账号", kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "typed", "clean"),
    [
        ("phone", "138 0013 6021", "13800136021"),
        ("phone", "+86-138-0013-6021", "13800136021"),
        ("phone", "１３８００１３６０２１", "13800136021"),
        ("email", " Lin.Zhi@Example.COM ", "Lin.Zhi@example.com"),
        ("number", "1,000 234", "1000234"),
        ("account", "  player_7 ", "player_7"),
        ("text", "东区 3 号服务器", "东区 3 号服务器"),
        ("account", 12345, "12345"),
    ],
)
def test_what_people_type_is_cleaned(kind: str, typed: object, clean: str) -> None:
    assert validate_value(rule(kind), typed) == (clean, None)


@pytest.mark.parametrize(
    ("kind", "typed", "code", "facts"),
    [
        ("phone", "1380013602", "phone_short", {"missing": 1}),
        ("phone", "138001360211", "phone_long", {"extra": 1}),
        ("phone", "12800136021", "phone_prefix", {}),
        ("phone", "1380013602x", "phone_character", {"character": "x"}),
        ("email", "lin.example.com", "email_at", {}),
        ("email", "lin@example", "email_host", {"host": "example"}),
        ("email", "lin..zhi@example.com", "email_local", {}),
        ("number", "12a", "number_character", {"label": "游戏账号", "character": "a"}),
        ("account", "player 7", "account_space", {"label": "游戏账号"}),
        ("account", "a\u200bb", "invisible", {"label": "游戏账号"}),
        ("account", "a\x00b", "invisible", {"label": "游戏账号"}),
        ("account", "", "required", {"label": "游戏账号"}),
        ("account", None, "required", {"label": "游戏账号"}),
        ("account", ["x"], "not_text", {"label": "游戏账号"}),
        ("account", "x" * 65, "too_long", {"label": "游戏账号", "over": 1, "limit": 64}),
    ],
)
def test_T1_a_malformed_value_says_what_to_fix(
    kind: str, typed: object, code: str, facts: dict[str, object]
) -> None:
    _, problem = validate_value(rule(kind), typed)
    assert problem is not None
    assert (problem.code, dict(problem.facts)) == (code, facts)


def test_a_choice_must_be_one_of_those_offered() -> None:
    field = rule("choice", choices=("微信区", "QQ区"))
    assert validate_value(field, "QQ区") == ("QQ区", None)
    assert validate_value(field, "ＱＱ区") == ("QQ区", None)
    problem = validate_value(field, "港区")[1]
    assert problem is not None
    assert problem.code == "choice"


def test_an_optional_field_may_stay_empty_and_unknown_fields_are_dropped() -> None:
    fields = [rule("account", required=False)]
    assert validate_all(fields, {"account": " ", "is_admin": "1"}) == ({}, {})


def test_a_pattern_is_checked_on_the_cleaned_value() -> None:
    field = rule("account", pattern=r"^\d{5,12}$", help="5 到 12 位数字")
    assert validate_value(field, " 123456 ") == ("123456", None)
    problem = validate_value(field, "1234")[1]
    assert problem is not None
    assert (problem.code, problem.facts["help"]) == ("pattern", "5 到 12 位数字")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "Konto"}, "field_name"),
        ({"name": "1a"}, "field_name"),
        ({"label": ""}, "field_label"),
        ({"kind": "file"}, "field_kind"),
        ({"kind": "choice"}, "field_choices"),
        ({"choices": ("a",)}, "field_choices"),
        ({"pattern": "(a"}, "field_pattern"),
        ({"pattern": r"(?=a)"}, "field_pattern"),
        ({"pattern": r"(a)\1"}, "field_pattern"),
    ],
)
def test_a_field_that_could_not_work_is_not_saved(changes: dict[str, object], code: str) -> None:
    values: dict[str, object] = {"name": "account", "label": "账号", "kind": "account"} | changes
    problem = field_problem(FieldRule(**values))  # type: ignore[arg-type]
    assert problem is not None
    assert problem.code == code


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|aa)*b", r"(.*)*x", r"(\w+\s?)*!", r"(a?){60}a{60}"]
)
def test_no_pattern_can_hold_up_a_worker(pattern: str) -> None:
    started = time.perf_counter()
    compile_pattern(pattern).matches("a" * 60 + "!!")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "pattern",
    ["((((){200}){200}){200}){200}", "(((a{200}){200}){200}){200}", "a{201}", "a" * 201, "(" * 40,
     "a**", "*a", "[z-a]", "[]", "a{2,1}", "[a", "\\", "(?P<x>a)", r"\bword"],
)  # fmt: skip
def test_what_is_not_supported_is_refused_at_once(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


atoms = st.sampled_from([r"\d", r"\w", ".", "a", "b", "[ab]", "[^a]", "[a-c0-3]", "-", r"\."])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"({one})?"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"(?:{one}){{1,2}}"),
    ),
    max_leaves=6,
)


@given(pattern=patterns, text=st.text("abc013-. ", max_size=8))
def test_patterns_mean_what_they_mean_elsewhere(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern, text, re.ASCII) is not None
    assert compile_pattern(pattern).matches(text) is expected
