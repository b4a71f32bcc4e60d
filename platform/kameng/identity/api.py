"""People for other contexts and for the faces: staff, members, roles, audit."""

from __future__ import annotations

from kameng.identity.domain import is_staff_login, normalise_login
from kameng.identity.services.approvals import (
    ApprovalView,
    VoteView,
    approval,
    approvals,
    on_decision,
    vote,
)
from kameng.identity.services.approvals import expire as expire_approvals
from kameng.identity.services.approvals import waiting_counts as waiting_approvals
from kameng.identity.services.audit import AuditEntry, audit, audit_trail
from kameng.identity.services.logins import (
    LoginRefused,
    record_failure,
    record_success,
    refuse_when_locked,
)
from kameng.identity.services.logins import wrong as wrong_login
from kameng.identity.services.members import (
    MemberView,
    authenticate_member,
    change_password,
    confirm_member,
    find_member,
    find_member_by_login,
    get_member,
    list_members,
    register_member,
    rename_member,
    set_member_state,
)
from kameng.identity.services.passwords import (
    PasswordRefused,
    credential_mark,
    hash_password,
)
from kameng.identity.services.passwords import verify as verify_password
from kameng.identity.services.roles import (
    PERMISSIONS,
    RoleView,
    list_roles,
    permissions_of,
    save_role,
    seed_roles,
)
from kameng.identity.services.staff import (
    StaffSession,
    StaffView,
    authenticate_staff,
    change_staff_password,
    confirm_staff,
    create_staff,
    find_staff,
    list_staff,
    reset_totp,
    set_staff_role,
    set_staff_state,
)
from kameng.identity.services.totp import new_secret as new_second_factor
from kameng.identity.services.totp import provisioning_uri
from kameng.identity.services.totp import reseal_all as reseal_second_factors
from kameng.identity.services.totp import seal as seal_second_factor
from kameng.identity.services.totp import step_of as second_factor_step
from kameng.identity.services.totp import unseal as unseal_second_factor

__all__ = [
    "PERMISSIONS",
    "ApprovalView",
    "AuditEntry",
    "LoginRefused",
    "MemberView",
    "PasswordRefused",
    "RoleView",
    "StaffSession",
    "StaffView",
    "VoteView",
    "approval",
    "approvals",
    "audit",
    "audit_trail",
    "authenticate_member",
    "authenticate_staff",
    "change_password",
    "change_staff_password",
    "confirm_member",
    "confirm_staff",
    "create_staff",
    "credential_mark",
    "expire_approvals",
    "find_member",
    "find_member_by_login",
    "find_staff",
    "get_member",
    "hash_password",
    "is_staff_login",
    "list_members",
    "list_roles",
    "list_staff",
    "new_second_factor",
    "normalise_login",
    "on_decision",
    "permissions_of",
    "provisioning_uri",
    "record_failure",
    "record_success",
    "refuse_when_locked",
    "register_member",
    "rename_member",
    "reseal_second_factors",
    "reset_totp",
    "save_role",
    "seal_second_factor",
    "second_factor_step",
    "seed_roles",
    "set_member_state",
    "set_staff_role",
    "set_staff_state",
    "unseal_second_factor",
    "verify_password",
    "vote",
    "waiting_approvals",
    "wrong_login",
]
