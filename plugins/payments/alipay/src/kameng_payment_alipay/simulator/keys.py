"""The simulated application's account: made once, then read from the store."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from kameng_payment_alipay.certificates import serial_of, serial_of_roots
from kameng_payment_alipay.signing import load_private_key

from .store import Store

VALID = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides hold; the gateway knows all of it as it is a simulator."""

    app_id: str
    seller_id: str
    app_private: str
    app_cert: str
    alipay_private: str
    alipay_cert: str
    root_cert: str
    link_secret: str

    @property
    def app_cert_sn(self) -> str:
        return serial_of(self.app_cert)

    @property
    def root_cert_sn(self) -> str:
        return serial_of_roots(self.root_cert)

    @property
    def alipay_cert_sn(self) -> str:
        return serial_of(self.alipay_cert)


def load_keys(store: Store) -> Keys:
    """Idempotent, also when two processes start at once: each value is stored once."""
    app = _kept_private_key(store, "app_private")
    alipay = _kept_private_key(store, "alipay_private")

    def certificate(name: str, key: str) -> str:
        return store.kept(name) or store.keep_first(name, _certificate(name, key, alipay))

    return Keys(
        app_id=store.keep_first("app_id", f"2021{secrets.randbelow(10**12):012d}"),
        seller_id=store.keep_first("seller_id", f"2088{secrets.randbelow(10**12):012d}"),
        app_private=app,
        app_cert=certificate("app_cert", app),
        alipay_private=alipay,
        alipay_cert=certificate("alipay_cert", alipay),
        root_cert=certificate("root_cert", alipay),
        link_secret=store.keep_first("link_secret", secrets.token_hex(16)),
    )


def _kept_private_key(store: Store, name: str) -> str:
    # Making a key takes a good part of a second: only when there is none.
    return store.kept(name) or store.keep_first(name, _new_private_key())


def _new_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _certificate(name: str, key: str, issuer_key: str) -> str:
    """For the public half of `key`, issued by the simulated authority."""
    now = datetime.now(UTC)
    issuer = _name("Simulated Authority")
    built = (
        x509.CertificateBuilder()
        .subject_name(issuer if name == "root_cert" else _name(f"Simulated {name}"))
        .issuer_name(issuer)
        .public_key(load_private_key(key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .sign(load_private_key(issuer_key), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulated Alipay"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
