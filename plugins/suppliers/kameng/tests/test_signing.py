"""One vector judges both signers, the plugin's and the simulator's; another the notices."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_kameng.signing import genuine_notice, notice_signature, signature
from kameng_supplier_kameng.simulator.door import sign, sign_notice

NONCE = "0123456789abcdef"
VECTORS = [
    (
        "POST",
        "/api/v1/orders",
        b'{"sku":"A","quantity":1}',
        "293b165de6ab44e2bd38e406cdc378db409d1f82acf5fa44139d98d5a8847fec",
    ),
    (
        "GET",
        "/api/v1/orders?merchant_order_no=1",
        b"",
        "8263e412e56caab0ef38b43529938512d4c346e2f131cd27855c0c3e25efcd74",
    ),
]  # fmt: skip


@pytest.mark.parametrize("signer", [signature, sign])
@pytest.mark.parametrize(("method", "path", "body", "right"), VECTORS)
def test_both_signers_give_the_written_signature(signer, method, path, body, right):
    assert signer("TESTKEY", method, path, "1700000000", NONCE, body) == right


def test_a_notice_is_signed_as_the_example_of_standard_webhooks():
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = notice_signature(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_simulators_notice_is_genuine_and_so_is_one_of_two_signatures():
    headers = sign_notice("geheim", "msg_1", b"{}")
    given, at = headers["webhook-signature"], headers["webhook-timestamp"]
    for several in (given, f"v1,other {given}", f"{given} v1a,other"):
        assert genuine_notice(several, b"geheim", "msg_1", at, b"{}")
    assert not genuine_notice(given.removeprefix("v1,"), b"geheim", "msg_1", at, b"{}")


@given(st.binary(min_size=1), st.binary(), st.text())
def test_only_the_right_notice_is_genuine(secret, body, other):
    right = notice_signature(secret, "m", "1", body)
    assert genuine_notice(right, secret, "m", "1", body)
    assert not genuine_notice(right, secret, "n", "1", body)
    assert not genuine_notice(right, secret, "m", "2", body)
    assert not genuine_notice(right, secret, "m", "1", body + b" ")
    assert genuine_notice(other, secret, "m", "1", body) is (right in other.split(" "))
