"""`kameng init` on an empty installation."""

from typing import Any

import pyotp
import pytest

from kameng.db import main_scope
from kameng.identity import api as identity
from kameng.ops.errors import OpsError
from kameng.ops.opening import open_main_station


def test_the_first_administrator_can_log_in_and_is_made_once(fresh_app: Any) -> None:
    with fresh_app.app_context():
        first = open_main_station("我的主站", "admin")
        assert len(first.password) >= 16
        with main_scope(reason="test"):
            code = pyotp.TOTP(first.totp_secret).now()
            session = identity.authenticate_staff("admin", first.password, code, "192.0.2.1")
        assert session.login == "admin"
        with pytest.raises(OpsError, match="staff already"):
            open_main_station("我的主站", "second")
