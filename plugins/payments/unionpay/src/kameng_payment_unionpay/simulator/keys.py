"""Keys and certificates of the simulated UnionPay and its merchant: made once, then read."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .store import Store

# Not the real name: what is set up for the simulator must never pass as UnionPay.
SIGNER = "模拟银联"
LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Keys:
    """PEM texts. The simulator holds both sides' keys."""

    mer_id: str
    root_cert: str
    middle_cert: str
    sign_key: str
    sign_cert: str
    merchant_key: str
    merchant_cert: str


def load_keys(store: Store) -> Keys:
    """Idempotent, also when two processes start at once: all are stored as one value."""
    kept = store.kept("keys") or store.keep_first("keys", json.dumps(asdict(new_keys())))
    return Keys(**json.loads(kept))


def new_keys(signer: str = SIGNER) -> Keys:
    """A root, a middle, and two certificates of that middle: UnionPay's and the merchant's."""
    root, middle, sign, merchant = (new_key() for _ in range(4))
    root_name, middle_name = _name("模拟根证书"), _name("模拟中级证书")
    return Keys(
        mer_id=f"777290{secrets.randbelow(10**9):09d}",
        root_cert=certify(root_name, root, root_name, root),
        middle_cert=certify(middle_name, middle, root_name, root),
        sign_key=key_pem(sign),
        sign_cert=certify(holder(signer), sign, middle_name, middle),
        merchant_key=key_pem(merchant),
        merchant_cert=certify(holder("模拟商户"), merchant, middle_name, middle),
    )


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def holder(organisation: str) -> x509.Name:
    """A name as CFCA writes them."""
    return _name(f"041@8310000000000000@{organisation}@00000001")


def certify(
    subject: x509.Name, key: rsa.RSAPrivateKey, issuer: x509.Name, by: rsa.RSAPrivateKey,
    days: tuple[int, int] = (-1, LIFE.days),
) -> str:  # fmt: skip
    """A certificate valid from and to that many days from now, as PEM."""
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .sign(by, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
