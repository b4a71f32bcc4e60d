"""The SSRF guard: public addresses only, however a private one is dressed up."""

import ipaddress

import pytest

from kameng.plugins.addresses import check_url, is_public
from kameng_sdk.errors import HttpAddressRefused, HttpNeverSent


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "192.0.0.8", "192.88.99.1", "198.18.0.1", "203.0.113.5", "224.0.0.1",
     "255.255.255.255", "240.0.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fc00::1",
     "fe80::1", "fec0::1", "ff02::1", "2001:db8::1"],
)  # fmt: skip
def test_S7_a_private_address_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost/", "http://x.localhost/", "http://[::1]/",
     "http://0x7f000001/", "http://2130706433/", "http://127.1/", "https://10.0.0.1/pay",
     "http://user:pw@1.1.1.1/", "ftp://1.1.1.1/", "file:///etc/passwd", "//1.1.1.1/", "",
     "http://", "http://1.1.1.1:22/", "http://1.1.1.1:99999/", "http://1.1.1.1\\@127.0.0.1/",
     "http://1.1.1.1/\r\nHost: x", "http://1.1.1.1/ x", "http://１.1.1.1/", "http://[::1%25lo]/"],
)  # fmt: skip
def test_S7_such_an_address_is_refused(url):
    with pytest.raises(HttpAddressRefused):
        check_url(url)


def test_a_public_literal_is_taken_with_its_path():
    target = check_url("https://1.1.1.1/pay?x=1#part")
    assert (target.addresses, target.port, target.path_and_query) == (("1.1.1.1",), 443, "/pay?x=1")
    assert target.host_header == "1.1.1.1"


def test_the_simulator_is_reached_at_its_own_port_only():
    exempt = frozenset({("pay.localhost", 8001)})
    target = check_url("http://pay.localhost:8001/epay", exempt)
    assert target.addresses == ("127.0.0.1",)
    assert target.host_header == "pay.localhost:8001"
    for url in ("http://pay.localhost:8002/", "http://127.0.0.1:8001/", "http://pay.localhost/"):
        with pytest.raises(HttpAddressRefused):
            check_url(url, exempt)


def test_a_name_without_an_address_was_never_sent():
    with pytest.raises(HttpNeverSent):
        check_url("https://kameng-no-such-name.invalid/")
