"""Logins, passwords, steps and role templates."""

from __future__ import annotations

import pytest

from kameng.identity import domain
from kameng.identity.services.roles import PERMISSIONS


@pytest.mark.parametrize(
    ("login", "good"),
    [("a@b.cn", True), ("13800001111", True), ("+8613800001111", True), ("a@b", False),
     ("12345", False), ("a b@c.cn", False), ("a@b..cn", False), ("", False)],
)  # fmt: skip
def test_a_member_login_is_an_email_or_a_phone(login: str, good: bool) -> None:
    assert domain.is_member_login(login) is good


def test_a_login_has_one_spelling() -> None:
    assert domain.normalise_login(" Ｌｉｎ@Example.COM ") == "lin@example.com"


@pytest.mark.parametrize(
    ("password", "problem"),
    [("correct-horse", ""), ("short12", "too_short"), ("x" * 129, "too_long"),
     ("Password1", "too_common"), ("abababab", "too_common"), ("Lin@Example.com", "same_as_login")],
)  # fmt: skip
def test_a_password_is_good_or_says_why_not(password: str, problem: str) -> None:
    assert domain.password_problem(password, "lin@example.com") == problem


def test_one_step_of_grace_to_either_side() -> None:
    assert list(domain.totp_steps(3000.0)) == [99, 100, 101]
    assert list(domain.totp_steps(3029.9)) == [99, 100, 101]


def test_templates_use_known_permissions_only() -> None:
    for station_id in (1, 7):
        for role in domain.role_templates(station_id):
            assert set(role.permissions) <= {"*", *PERMISSIONS}


def test_only_the_top_roles_hold_everything() -> None:
    everything = {
        role.code
        for station_id in (1, 7)
        for role in domain.role_templates(station_id)
        if "*" in role.permissions
    }
    assert everything == {"admin", "owner"}
