"""The published vectors judge both signers, the plugin's and the simulator's."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_dujiao_next.signing import genuine, signature
from kameng_supplier_dujiao_next.simulator.app import _sign

ORDER = b'{"sku_id":1,"quantity":1}'
VECTORS = [
    ("/api/v1/upstream/orders", ORDER,
     "03f9fa294007a9006d2e69a55dc3b826491b7e1b572ac3aa17e5c207d08cd90a"),
    ("/api/v1/upstream/ping", b"",
     "c513dda3ac17a52bbb4720401be59222b98959d5ca949012d9e7e86f664f93ff"),
]  # fmt: skip


@pytest.mark.parametrize("sign", [signature, _sign])
@pytest.mark.parametrize(("path", "body", "right"), VECTORS)
def test_both_signers_give_the_published_signature(sign, path, body, right):
    assert sign("TESTKEY", "POST", path, "1700000000", body) == right


def test_the_digest_of_no_body_is_the_published_one():
    empty = hashlib.md5(b"", usedforsecurity=False).hexdigest()
    assert empty == "d41d8cd98f00b204e9800998ecf8427e"


@given(st.text(min_size=1), st.binary(), st.text())
def test_only_the_right_signature_is_genuine(secret, body, other):
    right = signature(secret, "GET", "/a", "1", body)
    assert genuine(right, secret, "GET", "/a", "1", body)
    assert genuine(other, secret, "GET", "/a", "1", body) is (other == right)
    for path, time in (("/b", "1"), ("/a", "2")):
        assert not genuine(right, secret, "GET", path, time, body)
