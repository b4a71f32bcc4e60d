"""The guarded client goes to the open internet only, however an address is written."""

import pytest

from kameng.plugins.addresses import check_url
from kameng_sdk.errors import HttpAddressRefused

INWARD = [
    "http://0/", "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://017700000001/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fd00::1]/", "http://[fe80::1]/",
    "http://[5f00::1]/", "http://[3fff::1]/", "http://[::]/", "http://[100::1]/",
    "http://169.254.169.254/", "http://100.100.100.200/", "http://198.18.0.1/",
    "http://localhost./", "http://a.localhost/", "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1\\@8.8.8.8/", "http://①②⑦.⓪.⓪.①/", "http://8.8.8.8:22/",
]  # fmt: skip


@pytest.mark.parametrize("url", INWARD)
def test_an_address_that_leads_inward_is_refused(url: str) -> None:
    with pytest.raises(HttpAddressRefused):
        check_url(url)


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://[2606:4700:4700::1111]/x?y=1"])
def test_a_public_address_is_not(url: str) -> None:
    assert check_url(url).addresses
