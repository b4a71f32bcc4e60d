"""Access tokens of the simulator: they carry their audience and end, so nothing is stored."""

import hashlib
import hmac
import secrets
import time

from kameng_sdk.simulation.store import Store

LIFE_S = 86_400
KEY = "token_key"


class Tokens:
    """Tokens for one of the two APIs; a restart keeps them, `revoke` ends them all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.keep_first(KEY, secrets.token_hex(16))

    def issue(self, kind: str) -> str:
        """A token for the API ``kind``, for a day."""
        said = f"{kind}.{int(time.time()) + LIFE_S}"
        return f"{said}.{self._mac(said)}"

    def problem(self, token: str, kind: str) -> str:
        """Why it does not open ``kind``: an error code, or an empty text."""
        said, _, mac = token.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(said).encode()):
            return "INVALID_TOKEN"
        audience, _, end = said.partition(".")
        if audience != kind:
            return "INVALID_TOKEN"
        return "TOKEN_EXPIRED" if int(end) <= time.time() else ""

    def revoke(self) -> None:
        """None of those in the world is good any more."""
        self._store.change_setting(KEY, secrets.token_hex(16))

    def _mac(self, said: str) -> str:
        key = self._store.kept(KEY) or ""
        return hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()
