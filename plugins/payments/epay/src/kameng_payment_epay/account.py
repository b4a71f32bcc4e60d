"""One merchant account at one gateway: the configuration, checked once."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret

from .signing import BadKey, load_private_key, load_public_key


@dataclass(frozen=True, slots=True, kw_only=True)
class EpayAccount:
    """``key`` signs version 1; ``private_key`` and ``platform_key`` serve version 2."""

    gateway_url: str
    version: str
    pid: str
    key: Secret
    private_key: Secret
    platform_key: str
    sign_type: str
    methods: tuple[str, ...]
    fee_bp: int

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when a key of the chosen version is missing or unusable."""
        version = config.text("version", "v2")
        if version not in ("v1", "v2"):
            raise Misconfigured("version is v1 or v2")
        nothing = Secret("")
        account = cls(
            gateway_url=config.text("gateway_url").rstrip("/"),
            version=version,
            pid=config.text("pid"),
            key=config.secret("key") if version == "v1" else nothing,
            private_key=config.secret("merchant_private_key") if version == "v2" else nothing,
            platform_key=config.text("platform_public_key") if version == "v2" else "",
            sign_type="MD5" if version == "v1" else config.text("sign_type", "RSA"),
            methods=tuple(config.text("methods", "alipay,wxpay").split(",")),
            fee_bp=config.number("fee_bp", 0),
        )
        if not 0 <= account.fee_bp <= 10_000:
            raise Misconfigured("fee_bp is 0 to 10000")
        account._check_keys()
        return account

    def _check_keys(self) -> None:
        if self.version == "v1":
            if not self.key:
                raise Misconfigured("key is empty")
            return
        if self.sign_type.upper() == "MD5":
            raise Misconfigured("version 2 does not take MD5")
        try:
            load_private_key(self.private_key.reveal())
            load_public_key(self.platform_key)
        except BadKey as error:
            raise Misconfigured(f"version 2 keys: {error}") from None
