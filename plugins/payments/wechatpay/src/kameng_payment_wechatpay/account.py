"""One merchant account at WeChat Pay: the configuration, checked once."""

import re
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret

from .signing import PUBLIC_KEY_PREFIX, BadKey, Keyring, keyring, load_private_key

API = "https://api.mch.weixin.qq.com"
OAUTH_PAGE = "https://open.weixin.qq.com"
OAUTH_API = "https://api.weixin.qq.com"
_API_V3_KEY = re.compile(r"[0-9A-Za-z]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatAccount:
    """``gateway_url`` is empty for WeChat Pay itself, else the address of a simulator.

    ``platform_keys`` may hold the public key and certificates at once; ``public_key_id`` is
    empty when only certificates are configured.
    """

    mchid: str
    appid: str
    api_v3_key: Secret
    merchant_serial: str
    private_key: Secret
    public_key_id: str
    platform_keys: Keyring
    app_secret: Secret
    gateway_url: str
    fee_bp: int

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing or a key is unusable."""
        account = cls(
            mchid=config.text("mchid"),
            appid=config.text("appid"),
            api_v3_key=config.secret("api_v3_key"),
            merchant_serial=config.text("merchant_serial").upper(),
            private_key=config.secret("merchant_private_key"),
            public_key_id=config.text("public_key_id", ""),
            platform_keys=_platform_keys(config),
            app_secret=config.secret("app_secret") if config.get("app_secret") else Secret(""),
            gateway_url=config.text("gateway_url", "").rstrip("/"),
            fee_bp=config.number("fee_bp", 0),
        )
        account._check()
        return account

    def _check(self) -> None:
        if not _API_V3_KEY.fullmatch(self.api_v3_key.reveal()):
            raise Misconfigured("api_v3_key is 32 letters and digits")
        if not self.platform_keys.keys:
            raise Misconfigured("neither public_key nor platform_certificates is set")
        if not 0 <= self.fee_bp < 10_000:
            raise Misconfigured("fee_bp is 0 to 9999")
        try:
            load_private_key(self.private_key.reveal())
        except BadKey as error:
            raise Misconfigured(f"merchant_private_key: {error}") from None

    @property
    def signer(self) -> RSAPrivateKey:
        """The merchant's private key."""
        return load_private_key(self.private_key.reveal())

    @property
    def api(self) -> str:
        """Where requests go; what is signed begins after it."""
        return self.gateway_url or API

    @property
    def oauth_page(self) -> str:
        """Where a shopper inside WeChat is sent to be identified."""
        return self.gateway_url or OAUTH_PAGE

    @property
    def oauth_api(self) -> str:
        """Where the code that came back is changed for who it is."""
        return self.gateway_url or OAUTH_API


def _platform_keys(config: PluginConfig) -> Keyring:
    ident, key = config.text("public_key_id", ""), config.text("public_key", "")
    if bool(ident) != bool(key):
        raise Misconfigured("public_key_id and public_key belong together")
    if ident and not ident.startswith(PUBLIC_KEY_PREFIX):
        raise Misconfigured(f"public_key_id begins with {PUBLIC_KEY_PREFIX}")
    try:
        return keyring(ident, key, config.text("platform_certificates", ""))
    except BadKey as error:
        raise Misconfigured(f"platform keys: {error}") from None
