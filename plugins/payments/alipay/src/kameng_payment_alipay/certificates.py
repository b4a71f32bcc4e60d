"""Serial numbers by which Alipay names certificates (公钥证书模式). Payouts are taken only so."""

import hashlib
from functools import lru_cache

from cryptography import x509

from .signing import BadKey

RSA_SIGNATURES = "1.2.840.113549.1.1."


@lru_cache(maxsize=8)
def serial_of(pem: str) -> str:
    """MD5 of issuer and serial number of one certificate. Raises `BadKey`."""
    return _serial(_certificates(pem)[0])


@lru_cache(maxsize=8)
def serial_of_roots(pem: str) -> str:
    """Those of all certificates of the file that are signed with RSA, joined by `_`.

    Alipay's root file also holds certificates of other algorithms; they do not count.
    """
    found = [
        _serial(certificate)
        for certificate in _certificates(pem)
        if certificate.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)
    ]
    if not found:
        raise BadKey("no certificate signed with RSA among the roots")
    return "_".join(found)


def _certificates(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.strip().encode())
    except ValueError:
        raise BadKey("not a certificate") from None


def _serial(certificate: x509.Certificate) -> str:
    text = certificate.issuer.rfc4514_string() + str(certificate.serial_number)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
