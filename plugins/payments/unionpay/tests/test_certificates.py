"""Whose certificate is believed: the chain, its times, and the name."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kameng_payment_unionpay.certificates import (
    UNIONPAY,
    BadCertificate,
    Trust,
    holder_of,
    load_certificates,
)
from kameng_payment_unionpay.simulator.keys import certify, holder, new_key, new_keys

NOW = datetime.now(UTC)
KEYS = new_keys(UNIONPAY)
CA, LEAF = new_key(), new_key()  # of somebody who makes certificates like UnionPay's


def trust(**changes: str) -> Trust:
    texts = {"middle": KEYS.middle_cert, "root": KEYS.root_cert, "fixed": ""} | changes
    found = {name: load_certificates(texts[name]) for name in ("middle", "root", "fixed")}
    return Trust(**found, signer=texts.get("signer", UNIONPAY))


def believed(pem: str, now: datetime = NOW, **changes: str) -> bool:
    try:
        trust(**changes).key_of({"signPubKeyCert": pem}, now)
    except BadCertificate:
        return False
    return True


def test_a_certificate_of_the_chain_with_the_right_name_is_believed() -> None:
    assert believed(KEYS.sign_cert)
    assert holder_of(load_certificates(KEYS.sign_cert)[0]) == UNIONPAY


def test_a_merchants_certificate_of_the_same_chain_is_not() -> None:
    assert not believed(KEYS.merchant_cert)
    assert not believed(KEYS.sign_cert, signer="00040000:SIGN")


def test_the_right_name_by_another_chain_is_not() -> None:
    middle = load_certificates(KEYS.middle_cert)[0].subject
    forged = certify(holder(UNIONPAY), LEAF, middle, CA)  # right names, wrong key behind them
    assert not believed(forged)
    assert not believed(certify(holder(UNIONPAY), LEAF, holder("CA"), CA))
    assert not believed(certify(holder(UNIONPAY), LEAF, holder(UNIONPAY), LEAF))
    assert not believed(KEYS.middle_cert)
    assert not believed(KEYS.root_cert)


@pytest.mark.parametrize(
    "name", ["041@1@中国银联股份有限公司", "a@b@中国银联股份有限公司@c@d", "中国银联股份有限公司"]
)
def test_a_name_that_is_not_built_as_unionpay_builds_it_names_nobody(name: str) -> None:
    from kameng_payment_unionpay.simulator.keys import _name

    pem = certify(_name(name), LEAF, _name("x"), CA)
    assert holder_of(load_certificates(pem)[0]) == ""


def test_times_count_for_the_certificate_and_for_who_vouches() -> None:
    assert not believed(KEYS.sign_cert, NOW - timedelta(days=30))
    assert not believed(KEYS.sign_cert, NOW + timedelta(days=4000))
    ca = holder("CA")
    old_middle = certify(ca, CA, ca, CA, days=(-20, -1))
    leaf = certify(holder(UNIONPAY), LEAF, ca, CA)
    assert not believed(leaf, middle=old_middle, root=old_middle)
    new_middle = certify(ca, CA, ca, CA)
    assert believed(leaf, middle=new_middle, root=new_middle)


def test_a_configured_certificate_is_believed_as_it_is_and_found_by_its_number() -> None:
    pem = certify(holder("anybody"), LEAF, holder("CA"), CA)
    number = str(load_certificates(pem)[0].serial_number)
    assert believed(pem, fixed=pem, middle="", root="")
    fixed = trust(fixed=pem + KEYS.sign_cert)
    assert fixed.key_of({"certId": number}, NOW) == LEAF.public_key()
    for wrong in ("", "1", f"0{number}", f" {number}"):
        with pytest.raises(BadCertificate, match="unknown"):
            fixed.key_of({"certId": wrong}, NOW)
    with pytest.raises(BadCertificate, match="valid now"):
        fixed.key_of({"certId": number}, NOW + timedelta(days=4000))


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN CERTIFICATE-----", "A" * 30_000])
def test_garbage_is_refused_and_never_another_error(pem: str) -> None:
    with pytest.raises(BadCertificate):
        trust().key_of({"signPubKeyCert": pem}, NOW)
    with pytest.raises(BadCertificate):
        trust().key_of({"signPubKeyCert": KEYS.sign_cert * 2}, NOW)


def test_a_chain_made_by_openssl_with_sha1_as_cfca_does_is_believed(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")

    def make(*words: Any) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=tmp_path)

    make("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
         "-subj", "/C=cn/O=TEST CA", "-days", "30")  # fmt: skip
    make("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.key", "-out", "k.csr", "-utf8",
         "-subj", f"/C=cn/O=CFCA OCA1/CN=041@8310000000083040@{UNIONPAY}@00016494")  # fmt: skip
    make("x509", "-req", "-in", "k.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-sha1",
         "-set_serial", "0x1019", "-days", "20", "-out", "k.pem")  # fmt: skip
    ca, leaf = (tmp_path / "ca.pem").read_text(), (tmp_path / "k.pem").read_text()
    assert believed(leaf, datetime.now(UTC), middle=ca, root=ca)
    assert not believed(leaf, datetime.now(UTC))
