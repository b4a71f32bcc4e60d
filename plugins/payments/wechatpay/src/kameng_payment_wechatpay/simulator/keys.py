"""The simulated merchant's account and both keys WeChat Pay signs with: made once, then kept."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

from kameng_payment_wechatpay.signing import PUBLIC_KEY_PREFIX, load_private_key

from .store import Store


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides of the protocol hold; the gateway knows all of it as it is a simulator."""

    mchid: str
    appid: str
    app_secret: str
    api_v3_key: str
    merchant_serial: str
    merchant_private: str
    public_key_id: str
    public_key_private: str
    certificate: str
    certificate_private: str

    @property
    def merchant_key(self) -> RSAPublicKey:
        """Checks the merchant's requests."""
        return load_private_key(self.merchant_private).public_key()

    @property
    def certificate_serial(self) -> str:
        """Of the platform certificate, as the header carries it."""
        return f"{x509.load_pem_x509_certificate(self.certificate.encode()).serial_number:X}"

    @property
    def public_key(self) -> str:
        """What the merchant downloads in public key mode."""
        return _public_pem(load_private_key(self.public_key_private).public_key())

    def signer(self, name: str) -> tuple[str, RSAPrivateKey]:
        """Serial and key of `public_key` or `certificate`."""
        if name == "certificate":
            return self.certificate_serial, load_private_key(self.certificate_private)
        return self.public_key_id, load_private_key(self.public_key_private)


def load_keys(store: Store) -> Keys:
    """Idempotent, also when two processes start at once: each value is kept as it was first."""
    certificate_private = _kept_private_key(store, "certificate_private")
    keep = store.keep_first
    return Keys(
        mchid=keep("mchid", f"19{secrets.randbelow(10**8):08d}"),
        appid=keep("appid", f"wx{secrets.token_hex(8)}"),
        app_secret=keep("app_secret", secrets.token_hex(16)),
        api_v3_key=keep("api_v3_key", secrets.token_hex(16)),
        merchant_serial=keep("merchant_serial", secrets.token_hex(20).upper()),
        merchant_private=_kept_private_key(store, "merchant_private"),
        public_key_id=keep("public_key_id", f"{PUBLIC_KEY_PREFIX}{secrets.randbelow(10**30):030d}"),
        public_key_private=_kept_private_key(store, "public_key_private"),
        certificate=store.kept("certificate")
        or keep("certificate", _new_certificate(load_private_key(certificate_private))),
        certificate_private=certificate_private,
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


def _new_certificate(key: RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated WeChat Pay")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _public_pem(key: RSAPublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
