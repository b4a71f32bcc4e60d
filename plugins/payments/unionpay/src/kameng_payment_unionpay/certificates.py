"""Whose key it is: UnionPay's certificates, configured or chained to configured roots.

CFCA signs the certificates of merchants as well as UnionPay's, so a good chain alone proves
nothing: the name in the certificate has to be UnionPay's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

UNIONPAY = "中国银联股份有限公司"
HASHES = frozenset({"sha1", "sha256", "sha384", "sha512"})
MOST_PEM = 20_000


class BadCertificate(ValueError):
    """Not a usable certificate or key, or not one to be trusted."""


@dataclass(frozen=True, slots=True)
class Trust:
    """``fixed``: UnionPay's own certificates; ``middle`` and ``root``: who may vouch for others.

    ``signer``: the name that a chained certificate must carry.
    """

    fixed: tuple[x509.Certificate, ...]
    middle: tuple[x509.Certificate, ...]
    root: tuple[x509.Certificate, ...]
    signer: str

    def key_of(self, fields: Mapping[str, str], now: datetime) -> RSAPublicKey:
        """The key that must have signed these fields. Raises `BadCertificate`."""
        if "signPubKeyCert" in fields:
            certificate = self._sent(fields["signPubKeyCert"], now)
        else:
            certificate = self._named(fields.get("certId", ""))
        if not _valid(certificate, now):
            raise BadCertificate("the certificate is not valid now")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadCertificate("not an RSA certificate")
        return key

    def _named(self, serial: str) -> x509.Certificate:
        for certificate in self.fixed:
            if serial and serial == str(certificate.serial_number):
                return certificate
        raise BadCertificate("unknown certificate number")

    def _sent(self, pem: str, now: datetime) -> x509.Certificate:
        certificate = _one(pem)
        if certificate in self.fixed:
            return certificate
        if not any(_vouches(middle, certificate, now) for middle in self.middle):
            raise BadCertificate("nobody that we know vouches for the certificate")
        if holder_of(certificate) != self.signer:
            raise BadCertificate("the certificate is somebody else's")
        return certificate

    def check(self) -> None:
        """Raises `BadCertificate` when nothing could ever be verified with this."""
        if not self.fixed and not (self.middle and self.root):
            raise BadCertificate("UnionPay's root and middle, or its own certificate, are needed")
        for middle in self.middle:
            if not any(_issued(root, middle) for root in self.root):
                raise BadCertificate("the middle certificate is not of this root")


def load_certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a text, none for an empty one. Raises `BadCertificate`."""
    if not pem.strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(pem.strip().encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate("not a PEM certificate") from error


def load_key(pem: str) -> RSAPrivateKey:
    """The merchant's key without a password. Raises `BadCertificate`."""
    try:
        key = serialization.load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate("not a PEM private key without password") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadCertificate("not an RSA private key")
    return key


def holder_of(certificate: x509.Certificate) -> str:
    """The organisation in a name like ``041@8310000000083040@中国银联股份有限公司@00016494``."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if len(names) == 1 else []
    return parts[2] if len(parts) == 4 else ""


@lru_cache(maxsize=16)
def _one(pem: str) -> x509.Certificate:
    if len(pem) > MOST_PEM:
        raise BadCertificate("the certificate is too long")
    found = load_certificates(pem)
    if len(found) != 1:
        raise BadCertificate("not one certificate")
    return found[0]


def _vouches(issuer: x509.Certificate, certificate: x509.Certificate, now: datetime) -> bool:
    return _valid(issuer, now) and _issued(issuer, certificate)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """By hand, as `verify_directly_issued_by` takes no SHA-1, with which CFCA still signs."""
    key, algorithm = issuer.public_key(), certificate.signature_hash_algorithm
    if issuer.subject != certificate.issuer or not isinstance(key, RSAPublicKey):
        return False
    if algorithm is None or algorithm.name not in HASHES:
        return False
    try:
        signed = certificate.tbs_certificate_bytes
        key.verify(certificate.signature, signed, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
