"""Hosts are read as ss reads them, and refused where they could mean two things."""

from __future__ import annotations

import pytest

from fivetuple.analysis.filter_hosts import high_address, host_text, low_address, parse_hosts
from fivetuple.model.endpoint import address_text, pack_address
from fivetuple.model.errors import BadInput


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("10.0.0.5", "10.0.0.5/32"),
        ("10.0.0.5:22", "10.0.0.5/32:22"),
        ("10.9.9.9/8", "10.0.0.0/8"),
        ("10.0.0.0/8:22", "10.0.0.0/8:22"),
        ("10/8", "10.0.0.0/8"),
        ("193.233.7/24", "193.233.7.0/24"),
        ("10.1", "10.1.0.0/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("*", "*"),
        ("any", "*"),
        ("*:22", "*:22"),
        (":ssh", "*:22"),
        (":*", "*"),
        ("10.0.0.5:*", "10.0.0.5/32"),
        ("10.0.0.5:80-90", "10.0.0.5/32:80-90"),
        ("2001:db8::1", "[2001:db8::1]/128"),
        ("::1", "[::1]/128"),
        ("[::1]", "[::1]/128"),
        ("[::1]:22", "[::1]/128:22"),
        ("[2001:db8::]/32", "[2001:db8::]/32"),
        ("[2001:db8::/32]", "[2001:db8::]/32"),
        ("[2001:db8::]/32:443", "[2001:db8::]/32:443"),
        ("2001:db8::/32", "[2001:db8::]/32"),
        ("2001:db8::/32:443", "[2001:db8::]/32:443"),
        ("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]/128"),
        ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]/128"),
        ("inet:10.0.0.5", "inet:10.0.0.5/32"),
        ("inet6:[::1]:22", "inet6:[::1]/128:22"),
        ("inet:*", "inet:*"),
        ("unix:/run/*", "'unix:/run/*'"),
        ("@abstract", "'unix:@abstract'"),
        ("vsock:2:22", "vsock:2:22"),
        ("vsock:*:22", "vsock:*:22"),
        ("netlink:route:kernel", "netlink:0:0"),
        ("netlink:15", "netlink:15"),
        ("link:ip:eth0", "link:2048:eth0"),
        ("link:*:2", "link:*:2"),
        ("link:0x88cc", "link:35020"),
    ],
)
def test_host_is_read(text, spelling):
    assert ",".join(map(host_text, parse_hosts(text))) == spelling


def test_localhost_is_both_loopback_addresses_and_asks_no_dns():
    assert [address_text(host.address) for host in parse_hosts("localhost")] == ["127.0.0.1", "::1"]
    assert len(parse_hosts("inet:localhost:22")) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("::1:22", "two ways; write [::1:22] for the address or [::1]:22 for a port"),
        ("fe80::1:https", "needs brackets before a port; write [fe80::1]:https"),
        ("example.org", "looks no host name up"),
        ("22", "write :PORT for a port"),
        ("10.0.0.0/33", "at most 32 bits"),
        ("::/129", "at most 128 bits"),
        ("10.0.0.5:70000", "ports go from 0 to 65535"),
        ("10.0.0.5:nosuchservice", "neither a port nor the name of a service"),
        ("[::1", "no closing bracket"),
        ("[::1]22", "neither a :PORT nor a /PREFIX"),
        ("inet:::1", "no address of inet"),
        ("inet6:10.0.0.1", "no address of inet6"),
        ("fe80::1%eth0", "`dev eth0` beside it"),
        ("netlink:nosuch", "known are"),
        ("vsock:2:99999999999", "32 bits"),
        ("10.0.0.\0", "is not an IPv4 or IPv6 address"),
    ],
)
def test_wrong_host_is_refused_with_the_reason(text, reason):
    with pytest.raises(BadInput, match=r".") as caught:
        parse_hosts(text)

    assert reason in str(caught.value)


def test_prefix_goes_from_its_first_to_its_last_address():
    address = pack_address("10.1.2.3")

    assert address_text(low_address(address, 96 + 12)) == "10.0.0.0"
    assert address_text(high_address(address, 96 + 12)) == "10.15.255.255"
    assert low_address(address, 128) == high_address(address, 128) == address
