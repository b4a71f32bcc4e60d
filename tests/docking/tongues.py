"""The ways in which one Kameng can speak to another: a plugin of B's, and where A answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kameng.openapi.domain.callers import Dialect
from kameng_supplier_acg_shared.signing import request_no

Settings = Callable[[str, str, str], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """``settings`` makes the plugin's from A's address, the key's number and its secret.

    ``number``: what a purchase's number is called over there.
    ``one_address``: notices go to the key's address, since orders name none.
    ``shows_refunds``: what comes back of delivered goods can be seen by asking.
    ``finds_by_number``: an order can be asked for by our own number, so a lost answer is found.
    """

    dialect: Dialect
    plugin_id: str
    settings: Settings
    number: Callable[[str], str] = str
    one_address: bool = False
    shows_refunds: bool = True
    finds_by_number: bool = True

    def __str__(self) -> str:
        return self.dialect


NATIVE = Tongue(
    dialect="native", plugin_id="supplier-kameng",
    settings=lambda url, key, secret: {"base_url": url, "key_id": key, "secret": secret},
)  # fmt: skip
DIALECTS = (
    Tongue(
        dialect="dujiao-next", plugin_id="supplier-dujiao-next",
        settings=lambda url, key, secret: {
            "base_url": f"{url}/dock/dujiao-next", "api_key": key, "api_secret": secret,
        },
        finds_by_number=False,
    ),
    Tongue(
        dialect="acg-shared", plugin_id="supplier-acg-shared",
        settings=lambda url, key, secret: {
            "base_url": f"{url}/dock/acg-shared", "flavour": "shared", "app_id": key,
            "app_key": secret,
        },
        number=request_no,
        shows_refunds=False, finds_by_number=False,
    ),
    Tongue(
        dialect="kasushou", plugin_id="supplier-kasushou",
        settings=lambda url, key, secret: {
            "base_url": f"{url}/dock/kasushou", "user_id": key, "key": secret,
        },
    ),
    Tongue(
        dialect="kakayun", plugin_id="supplier-kakayun",
        settings=lambda url, key, secret: {
            "site_url": f"{url}/dock/kakayun", "api_url": f"{url}/dock/kakayun", "userid": key,
            "key": secret,
        },
    ),
)  # fmt: skip
