"""The published vector (reproduced with the original signer), and the numbers we give."""

from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_acg_shared.signing import request_no, sign

FORM = {
    "app_id": "7",
    "app_key": "TESTKEY",
    "contact": "a b@x.com",
    "num": "2",
    "request_no": "N1",
    "shared_code": "ABC",
    "sku": {"区服": "一区"},
}
numbers = st.text("0123456789", min_size=1, max_size=24)


def test_the_published_vector() -> None:
    assert sign(FORM, "TESTKEY") == "fda2ca08a9c234c2f44b85fae23b7b5c"


def test_order_of_fields_empty_values_and_the_signature_itself_do_not_count() -> None:
    shuffled = {"sign": "x", "race": "", **dict(reversed(FORM.items()))}
    assert sign(shuffled, "TESTKEY") == sign(FORM, "TESTKEY")


def test_a_plus_in_the_key_is_mangled_as_in_the_reference() -> None:
    assert sign(FORM, "a+b") == sign(FORM, "a b")


def test_a_number_of_ours_becomes_short_and_can_be_read_back() -> None:
    assert request_no("26081234567890123456") == "QLWMBK10PFDFK"
    assert int("QLWMBK10PFDFK", 36) == 126081234567890123456


@given(numbers, numbers)
def test_two_numbers_stay_two_and_fit(one: str, other: str) -> None:
    assert (request_no(one) == request_no(other)) is (one == other)
    assert len(request_no(one)) <= 19
    assert request_no(one).isalnum()
