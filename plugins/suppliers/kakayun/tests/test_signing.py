"""The published vector, and what the PHP of the papers does with odd values."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_kakayun.signing import canonical_text, sign, verify
from kameng_supplier_kakayun.simulator.dialect import signature

SAMPLE = {
    "userid": "10052", "timestamp": 1735002156, "goodsid": "720938", "buynum": 1,
    "attach": "13088888888", "sign": "is left out",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("TESTKEY", "2f84e5274434e0f31bd084a0f43657dd"),
        # The papers' sample: its sign belongs to the one key, its worked example to the other.
        ("9aa3034b6beba7cf5bfcf6089218a674", "82a4da7502872e7a128b510d10cad6ab"),
        ("9aa3034b6beba7cf5bfcf6089218a673", "921bfe2dcd4ecca574d8b8c76412ede5"),
    ],
)
def test_the_published_vectors(key: str, expected: str) -> None:
    assert sign(SAMPLE, key) == expected
    assert signature(SAMPLE, key) == expected
    assert verify(SAMPLE, key, expected)
    assert not verify(SAMPLE, key, expected.upper())


def test_the_canonical_text_of_the_sample() -> None:
    expected = "attach=13088888888&buynum=1&goodsid=720938&timestamp=1735002156&userid=10052"
    assert canonical_text(SAMPLE) == expected


def test_zero_is_a_value_and_nothing_is_none() -> None:
    assert canonical_text({"a": 0, "b": "0", "c": "", "d": None, "e": [], "f": False}) == (
        "a=0&b=0&e=[]&f=false"
    )


def test_lists_are_json_as_php_writes_it() -> None:
    rows = [{"attachtype": "9", "value": "张三/路 7\r"}, {"price": 1.0}, "\u2028"]
    assert canonical_text({"attach": rows}) == (
        'attach=[{"attachtype":"9","value":"张三/路 7\\r"},{"price":1.0},"\\u2028"]'
    )
    assert canonical_text({"a": 10.0, "b": 13.36}) == "a=10&b=13.36"


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.text(alphabet=string.printable + "中文", max_size=8), st.integers(), st.booleans(), st.none()
)


@given(
    params=st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1, max_size=5),
        VALUES | st.lists(st.dictionaries(st.sampled_from("ab"), VALUES), max_size=2),
        max_size=5,
    )
)
def test_the_client_and_the_simulator_sign_alike(params: dict[str, Any]) -> None:
    assert sign(params, "k") == signature(params, "k")
