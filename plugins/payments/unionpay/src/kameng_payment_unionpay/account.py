"""One merchant account: the configuration, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured

from .certificates import UNIONPAY, BadCertificate, Trust, load_certificates, load_key

GATEWAY = "https://gateway.95516.com"
FILES = "https://filedownload.95516.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionpayAccount:
    """``cert_id`` is the serial number of the merchant's certificate, in decimal."""

    gateway_url: str
    file_url: str
    mer_id: str
    key: RSAPrivateKey = field(repr=False)
    cert_id: str
    trust: Trust = field(repr=False)
    fee_bp: int

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing or does not fit together."""
        try:
            key, cert_id = _own(config)
            trust = _trust(config)
        except BadCertificate as error:
            raise Misconfigured(str(error)) from None
        account = cls(
            gateway_url=config.text("gateway_url", GATEWAY).rstrip("/"),
            file_url=config.text("file_url", FILES).rstrip("/"),
            mer_id=config.text("mer_id"),
            key=key,
            cert_id=cert_id,
            trust=trust,
            fee_bp=config.number("fee_bp", 0),
        )
        if not 0 <= account.fee_bp < 10_000:
            raise Misconfigured("fee_bp is 0 to 9999")
        return account


def _own(config: PluginConfig) -> tuple[RSAPrivateKey, str]:
    key = load_key(config.secret("sign_key").reveal())
    certificates = load_certificates(config.text("sign_cert"))
    if len(certificates) != 1:
        raise BadCertificate("sign_cert is one certificate")
    public = certificates[0].public_key()
    if not isinstance(public, RSAPublicKey) or public != key.public_key():
        raise BadCertificate("sign_cert is not the certificate of sign_key")
    return key, str(certificates[0].serial_number)


def _trust(config: PluginConfig) -> Trust:
    trust = Trust(
        fixed=load_certificates(config.text("unionpay_cert", "")),
        middle=load_certificates(config.text("middle_cert", "")),
        root=load_certificates(config.text("root_cert", "")),
        signer=config.text("signer", UNIONPAY),
    )
    trust.check()
    return trust
