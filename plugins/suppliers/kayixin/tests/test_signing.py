"""Signatures and sealed cards against published samples, and against the simulator's own way."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_sdk.money import Money
from kameng_supplier_kayixin.signing import BadCards, open_cards, request_body, same, sign
from kameng_supplier_kayixin.simulator.signing import digest, seal, why_refused

SECRET = "5fb9600dd400b5e0853caed93ebbfb4e"
SEALED = (
    "C8bR0FfVx+zMUZf/AJS9eyw3rKn+adBuHYqqnSFk09railKZVUvJV0fWO8w6q7OVOEw5RO04TfllBP1+8sjiMyj5"
    "7JHp/ABJEtnygPhyYjr/6upkYGi0lAVTSfrxuJaf"
)
TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)


@pytest.mark.parametrize(
    ("app_id", "secret", "timestamp", "body", "expected"),
    [
        (
            "10000", "652fbdd2f637606a2afbb2fe0ca72419", "1760767397",
            '{"orderNumber":"20251016165825069","outerNumber":""}',
            "6a414e658265ff3ca665cee3b161c4e9",
        ),
        (
            "APP1", "TESTKEY", "1700000000", '{"goodsId":1,"count":1}',
            "ae0aea8fc8a79c9ab2daadf7487091d0",
        ),
    ],
)  # fmt: skip
def test_the_published_samples_are_reproduced(
    app_id: str, secret: str, timestamp: str, body: str, expected: str
) -> None:
    assert sign(app_id, secret, timestamp, body.encode()) == expected


def test_the_published_sealed_card_is_opened() -> None:
    card = {"cancelRequest": 1, "cardId": "764", "cardNo": "123456789", "cardPwd": "", "status": 0}
    assert open_cards(SEALED, SECRET) == [card]


@pytest.mark.parametrize(
    ("sealed", "secret"),
    [
        (SEALED, "652fbdd2f637606a2afbb2fe0ca72419"), (SEALED, "short"), (SEALED[:-4], SECRET),
        ("!", SECRET), ("", SECRET), ("AAAA", SECRET), ("签", SECRET),
        (base64.b64encode(b"x" * 32).decode(), SECRET),
    ],
)  # fmt: skip
def test_cards_that_do_not_open_are_bad_cards(sealed: str, secret: str) -> None:
    with pytest.raises(BadCards):
        open_cards(sealed, secret)


def test_sealed_things_other_than_a_list_are_bad_cards() -> None:
    with pytest.raises(BadCards, match="no list"):
        open_cards(seal({"cardNo": "1"}, SECRET), SECRET)  # type: ignore[arg-type]  # on purpose


@given(st.lists(st.dictionaries(st.sampled_from(["cardNo", "cardPwd"]), TEXTS), min_size=1))
def test_what_the_site_seals_opens(cards: list[dict[str, str]]) -> None:
    assert open_cards(seal(cards, SECRET), SECRET) == cards


@given(body=TEXTS, stamp=st.sampled_from(["1700000000", "1700000000123"]))
def test_the_site_accepts_what_we_sign(body: str, stamp: str) -> None:
    headers = {
        "X-App-Id": "10001", "X-Version": "3.0", "X-Timestamp": stamp,
        "X-Signature": sign("10001", SECRET, stamp, body.encode()),
    }  # fmt: skip
    assert why_refused(headers, body, "10001", SECRET, 1_700_000_060) == ""
    assert why_refused(headers, body + " ", "10001", SECRET, 1_700_000_060) == "签名错误"
    assert headers["X-Signature"] == digest("10001", SECRET, stamp, body)


def test_money_goes_out_as_a_plain_number() -> None:
    fields = {"a": Money(199_000), "b": Money(1), "名": [{"x": "é/"}], "c": 1}
    assert request_body(fields) == '{"a":19.90,"b":0.0001,"名":[{"x":"é/"}],"c":1}'


@pytest.mark.parametrize("theirs", ["", "0" * 32, "签名", "ae0a", "\x00", "\ud800"])
def test_a_wrong_signature_is_false_and_never_an_error(theirs: str) -> None:
    assert not same(sign("A", "B", "1", b""), theirs)
