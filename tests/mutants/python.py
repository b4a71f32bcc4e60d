"""Mutants of Python: refusals found by their shape in the files that guard a door, and a list of texts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.mutant import Edit, Mutant

# An `if` that ends in one of these refuses.
REFUSALS = {
    "WebhookRefused", "refused", "No", "Problem", "SignatureRefused", "HttpAddressRefused", "CsrfRefused", "Forbidden", "LoginRefused",
    "NotStarted", "TimedOut", "Died", "Refused",
}  # fmt: skip
NATIVE = ("tests/integration/openapi/test_native_door.py", "tests/unit/openapi")
PORTAL = ("tests/functional/suppliers/test_api.py",)
ADDRESSES = ("tests/integration/plugins/test_addresses.py", "tests/unit/plugins")
SHORT_ORDERS = ("tests/functional/test_shop_short_way.py",)
POLICY = (
    "tests/functional/test_web_policy.py",
    "tests/functional/test_web_doors.py",
    "tests/functional/test_web_sessions.py",
)
PEOPLE = ("tests/integration/identity/test_people.py",)
DIALECTS = ("acg_shared", "dujiao_next", "kakayun", "kasushou")
# Files whose refusals are safeguards, and the tests that should notice.
GUARDED: dict[str, tuple[str, ...]] = {
    "platform/kameng/openapi/views/proof.py": NATIVE,
    "platform/kameng/openapi/services/callers.py": (*NATIVE, "tests/functional/openapi/test_key_pages.py"),
    "platform/kameng/plugins/addresses.py": ADDRESSES,
    "platform/kameng/plugins/deadline.py": ("tests/unit/plugins", "tests/contracts/test_isolation.py"),
    "platform/kameng/web/csrf.py": POLICY,
    "platform/kameng/web/viewer.py": (*POLICY, "tests/functional/console/test_console_guard.py"),
    "platform/kameng/suppliers/services/keys.py": PORTAL,
    "platform/kameng/identity/services/staff.py": (*PEOPLE, "tests/functional/console/test_console_login.py"),
    "platform/kameng/identity/services/members.py": (*PEOPLE, "tests/functional/test_shop_members.py"),
    "platform/kameng/identity/services/roles.py": (*PEOPLE, "tests/functional/console/test_console_login.py"),
}  # fmt: skip
DOCKS = {
    "openapi/domain/dialects/acg_shared/form.py": ('if not genuine:\n        raise No("密钥错误")', 'if not genuine:\n        genuine = list(secrets)'),
    "openapi/domain/dialects/dujiao_next/door.py": ('if not genuine:\n        raise Problem("invalid_signature", "签名不对")', "if not genuine:\n        genuine = list(secrets)"),
    "openapi/domain/dialects/kakayun/signing.py": ('return same[0] if same else ""', "return list(secrets)[0]"),
    "openapi/domain/dialects/kasushou/signing.py": ('return same[0] if same else ""', "return list(secrets)[0]"),
}  # fmt: skip
TEXTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("platform/kameng/openapi/views/proof.py", "if hmac.compare_digest(wanted.encode(), signed.signature.lower().encode()):", "if wanted:", NATIVE),
    ("platform/kameng/openapi/services/gate.py", "if ARGV[1] == '1' and not redis.call", "if false and not redis.call", NATIVE),
    ("platform/kameng/openapi/services/callers.py", "opened.epoch != passed.epoch", "False", (*NATIVE, "tests/integration/openapi/test_buying.py")),
    ("platform/kameng/signing.py", "return plain and abs", "return plain or abs", (*NATIVE, "tests/unit/openapi")),
    ("platform/kameng/suppliers/services/keys.py", "_spend_nonce(signed)\n    return", "return", PORTAL),
    ("platform/kameng/web/csrf.py", "return hmac.compare_digest(signature.encode(), signed.encode())", "return True", POLICY),
    ("platform/kameng/web/csrf.py", "parts[0] != kind or int(parts[1]) < time.time()", "parts[0] != kind", POLICY),
    ("platform/kameng/web/csrf.py", "parts[0] != kind or int", "int", POLICY),
    ("platform/kameng/web/csrf.py", 'site not in ("same-origin", "none")', 'site not in ("same-origin", "none", "same-site")', POLICY),
    ("platform/kameng/web/csrf.py", "return urlsplit(origin).netloc.lower() == host", "return True", POLICY),
    ("tenants/kameng_tenants/shop/short_way.py", "and csrf.same_origin(site, origin, host)", "", SHORT_ORDERS),
    ("tenants/kameng_tenants/shop/short_way.py", 'and csrf.guest_token_is_valid(values.get(csrf.FIELD, ""), host)', "", SHORT_ORDERS),
    ("tenants/kameng_tenants/shop/short_way.py", "SHOP_COOKIE in cookies or not g.station.visible", "SHOP_COOKIE in cookies", SHORT_ORDERS),
    ("tenants/kameng_tenants/shop/short_way.py", "limits.count_write(shopper.ip)", "pass", SHORT_ORDERS),
    ("platform/kameng/web/limits.py", "elif COUNTED not in request.environ:", "else:", SHORT_ORDERS),
    ("platform/kameng/web/csrf.py", "if g.audience in EXEMPT_AUDIENCES:", "if g.audience:", POLICY),
    ("platform/kameng/web/viewer.py", 'if found and hmac.compare_digest(found[1], str(current.record.get("mark", ""))):', "if found:", (*POLICY, "tests/functional/test_shop_members.py", "tests/functional/console/test_console_login.py")),
    ("platform/kameng/web/viewer.py", 'target.startswith(("//", "/\\\\"))', "False", (*POLICY, "tests/unit/web")),
    ("platform/kameng/web/viewer.py", "            check_permission(permission)\n            return view", "            return view", (*POLICY, "tests/functional/console/test_console_guard.py", "tests/functional/console/test_station_console.py")),
    ("platform/kameng/web/viewer.py", "            if current_viewer().kind != \"staff\":\n                return to_login()\n", "", (*POLICY, "tests/functional/console/test_console_guard.py", "tests/functional/console/test_console_login.py")),
    ("platform/kameng/plugins/addresses.py", "if address.scope_id is not None or address not in UNICAST:", "if address.scope_id is not None:", ADDRESSES),
    ("platform/kameng/plugins/addresses.py", "return address.is_global and not any(address in network for network in REFUSED_NETWORKS)", "return address.is_global", ADDRESSES),
    ("platform/kameng/plugins/addresses.py", "    if (host, port) not in exempt:\n        _refuse_private(host, found)\n", "", ADDRESSES),
    ("platform/kameng/plugins/addresses.py", "    _refuse_private(host, _literal(host))\n", "", ADDRESSES),
    ("platform/kameng/plugins/addresses.py", "if address.ipv4_mapped is not None:", "if False:", ADDRESSES),
    ("platform/kameng/plugins/http.py", "follow_redirects=False", "follow_redirects=True", ("tests/unit/plugins", "tests/contracts/test_isolation.py")),
    ("platform/kameng/plugins/http.py", "trust_env=False", "trust_env=True", ("tests/unit/plugins", "tests/contracts/test_isolation.py")),
    ("platform/kameng/plugins/http.py", "scheme=target.scheme, host=address,", "scheme=target.scheme, host=target.host,", ("tests/unit/plugins", "tests/contracts/test_isolation.py")),
    ("platform/kameng/plugins/deadline.py", "self.value = Context().run(self.code)", "self.value = self.code()", ("tests/unit/plugins", "tests/contracts/test_isolation.py")),
    ("platform/kameng/plugins/deadline.py", "if not task.done.acquire(timeout=max(0.0, end - time.monotonic())):", "if not task.done.acquire():", ("tests/unit/plugins", "tests/contracts/test_isolation.py")),
    ("platform/kameng/identity/services/staff.py", 'if staff is None or not good or staff.state != "active":', "if staff is None or not good:", PEOPLE),
    ("platform/kameng/identity/services/staff.py", 'if staff is None or not good or staff.state != "active":', 'if staff is None or staff.state != "active":', PEOPLE),
    ("platform/kameng/identity/services/staff.py", "    _second_factor(staff, totp_code, ip)\n    staff.password_hash", "    staff.password_hash", PEOPLE),
    ("platform/kameng/identity/services/staff.py", '    logins.refuse_when_locked("staff", login, station_id)\n', "", PEOPLE),
    ("platform/kameng/identity/services/members.py", '    logins.refuse_when_locked("member", login, station_id)\n', "", (*PEOPLE, "tests/functional/test_shop_members.py")),
    ("platform/kameng/identity/services/members.py", 'if member is None or not good or member.state != "active":', "if member is None or not good:", PEOPLE),
    ("platform/kameng/identity/services/members.py", 'if member is None or not good or member.state != "active":', 'if member is None or member.state != "active":', PEOPLE),
    ("platform/kameng/identity/services/totp.py", "if hmac.compare_digest(expected, digits):", "if digits:", PEOPLE),
    ("platform/kameng/payments/services/identifying.py", "if hmac.compare_digest(_state(bound_to, option, made_at), state):", "if made_at:", ("tests/functional/test_shop_wechat.py", "tests/unit/payments")),
    ("platform/kameng/payments/services/identifying.py", "if not 0 <= time.time() - made_at <= GOOD_FOR_S:", "if False:", ("tests/functional/test_shop_wechat.py", "tests/unit/payments")),
    ("platform/kameng/orders/services/placing.py", "return secrets.compare_digest(stored or bytes(32), secret_digest(secret))", "return True", ("tests/integration/orders/test_placing.py", "tests/functional/test_shop_buying.py")),
    ("platform/kameng/stations/services/applications.py", "if not hmac.compare_digest(known, _digest(code.strip().lower())) or form is None:", "if form is None:", ("tests/integration/stations/test_opening.py", "tests/functional/test_shop_stations.py")),
    ("platform/kameng/openapi/views/document/samples/kameng_sample.py", "return any(hmac.compare_digest(wanted, one) for one in signatures.split())", "return True", ("tests/functional/openapi/test_samples.py",)),
    *(
        (f"platform/kameng/{file}", old, new, (f"tests/integration/openapi/test_dock_{file.split('/')[3]}.py",))
        for file, (old, new) in DOCKS.items()
    ),
)  # fmt: skip


def of_python(root: Path) -> Iterator[Mutant]:
    """Every mutant of Python; raises `LookupError` when a text of the list is gone."""
    for file, tests in {**GUARDED, **_plugins(root)}.items():
        yield from _refusals(root, file, tests)
    for file, old, new, tests in TEXTS:
        if old not in (root / file).read_text(encoding="utf-8"):
            raise LookupError(f"{file} has no {old!r} any more: change tests/mutants/python.py")
        yield Mutant(
            "python", file, "", f"{_short(old)} → {_short(new)}", tests, edit=Edit(file, old, new)
        )


def _plugins(root: Path) -> dict[str, tuple[str, ...]]:
    """Files of plugins that judge notices, with the plugin's own tests."""
    found = {}
    for path in sorted(root.glob("plugins/[ps]*/*/src/*/*.py")):
        if "raise WebhookRefused(" in path.read_text(encoding="utf-8"):
            own = (path.parents[2] / "tests").relative_to(root).as_posix()
            found[path.relative_to(root).as_posix()] = (f"{own}/test_{path.name}", own)
    return found


def _refusals(root: Path, file: str, tests: tuple[str, ...]) -> Iterator[Mutant]:
    """Each `if …: raise` of the file, as if it were never true."""
    text = (root / file).read_text(encoding="utf-8")
    for function in (
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    ):
        for node in ast.walk(function):
            if isinstance(node, ast.If) and not node.orelse and _refuses(node.body[-1]):
                whole = ast.get_source_segment(text, node)
                asked = ast.get_source_segment(text, node.test)
                assert whole
                assert asked
                if text.count(whole) > 1:
                    before = (
                        text[: text.index(whole, _offset(text, node))]
                        .rpartition("\n")[0]
                        .rpartition("\n")[2]
                    )
                    whole = f"{before}\n{' ' * node.col_offset}{whole}"
                yield Mutant(
                    "python", file, function.name, f"if {_short(asked)}: refuse", tests,
                    edit=Edit(file, whole, whole.replace(f"if {asked}", f"if False and ({asked})", 1)),
                )  # fmt: skip


def _offset(text: str, node: ast.If) -> int:
    return sum(len(line) for line in text.splitlines(keepends=True)[: node.lineno - 1])


def _refuses(last: ast.stmt) -> bool:
    if not (isinstance(last, ast.Raise) and isinstance(last.exc, ast.Call)):
        return False
    called = last.exc.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in REFUSALS


def _short(text: str) -> str:
    return " ".join(text.split())[:90]
