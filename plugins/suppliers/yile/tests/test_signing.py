"""Published vectors: the first was reproduced with the original signer, the second computed."""

from kameng_supplier_yile.signing import app_token, form_sign

FORM = {
    "api_token": "tok",
    "gid": "12",
    "num": "1",
    "timestamp": "1700000000",
    "value1": "13800000000",
}


def test_the_community_vector() -> None:
    assert form_sign(FORM, "TESTKEY") == "c37f299ca0f23d3c615b94b123eb31e7"


def test_the_sup_vector() -> None:
    path = "/openapi/customer/Goods/Buy"
    token = app_token("APP1", "TESTKEY", path, "1700000000")
    assert token == "9bad87be04b231c90367ce67fb9d6b3f4b3ce18b"


def test_order_of_fields_empty_values_and_the_signature_itself_do_not_count() -> None:
    shuffled = {"sign": "x", **dict(reversed(FORM.items())), "value2": ""}
    assert form_sign(shuffled, "TESTKEY") == form_sign(FORM, "TESTKEY")


def test_an_ampersand_at_the_end_of_the_last_value_is_stripped_as_the_reference_does() -> None:
    assert form_sign({"a": "1", "b": "2&"}, "K") == form_sign({"a": "1", "b": "2"}, "K")
    assert form_sign({"a": "1&", "b": "2"}, "K") != form_sign({"a": "1", "b": "2"}, "K")
