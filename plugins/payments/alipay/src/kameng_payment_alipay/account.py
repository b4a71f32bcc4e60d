"""One Alipay application: the configuration, checked once."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret

from .certificates import serial_of, serial_of_roots
from .signing import CERTIFICATE, BadKey, load_private_key, load_public_key

LIVE_URL = "https://openapi.alipay.com/gateway.do"
SANDBOX_URL = "https://openapi-sandbox.dl.alipaydev.com/gateway.do"
METHODS = ("page", "wap", "qr")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipayAccount:
    """``alipay_key`` is Alipay's public key or its certificate.

    The three serial numbers are empty when the application signs with plain keys (公钥模式).
    """

    gateway_url: str
    app_id: str
    seller_id: str
    private_key: Secret
    alipay_key: str
    app_cert_sn: str
    root_cert_sn: str
    alipay_cert_sn: str
    methods: tuple[str, ...]
    fee_bp: int
    test: bool

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing, unusable or contradictory."""
        own_url = config.text("gateway_url", "")
        sandbox = config.flag("sandbox")
        try:
            account = cls(
                gateway_url=own_url or (SANDBOX_URL if sandbox else LIVE_URL),
                app_id=config.text("app_id"),
                seller_id=config.text("seller_id"),
                private_key=config.secret("private_key"),
                alipay_key=config.text("alipay_public_key"),
                **_serials(config),
                methods=tuple(config.text("methods", ",".join(METHODS)).split(",")),
                fee_bp=config.number("fee_bp", 0),
                test=sandbox or bool(own_url),
            )
            load_private_key(account.private_key.reveal())
            load_public_key(account.alipay_key)
        except BadKey as error:
            raise Misconfigured(f"keys: {error}") from None
        account._check()
        return account

    @property
    def by_certificate(self) -> bool:
        """Whether the application is in certificate mode, which payouts need."""
        return bool(self.app_cert_sn)

    def _check(self) -> None:
        if not set(self.methods) <= set(METHODS) or len(set(self.methods)) != len(self.methods):
            raise Misconfigured("methods are page, wap and qr, each once")
        if not 0 <= self.fee_bp < 10_000:
            raise Misconfigured("fee_bp is 0 to 9999")


def _serials(config: PluginConfig) -> dict[str, str]:
    """Of the three certificates, which belong together. Raises `BadKey` and `Misconfigured`."""
    app, roots = config.text("app_cert", "").strip(), config.text("alipay_root_cert", "").strip()
    alipay = config.text("alipay_public_key").strip()
    if not app and not roots:
        # A certificate may stand for the key it holds.
        return {"app_cert_sn": "", "root_cert_sn": "", "alipay_cert_sn": ""}
    if not (app and roots and CERTIFICATE in alipay):
        raise Misconfigured(
            "app_cert, alipay_root_cert and a certificate as alipay_public_key go together"
        )
    return {
        "app_cert_sn": serial_of(app),
        "root_cert_sn": serial_of_roots(roots),
        "alipay_cert_sn": serial_of(alipay),
    }
