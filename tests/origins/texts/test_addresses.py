import pytest

from fivetuple.model.endpoint import address_text
from fivetuple.origins.texts.addresses import ANYWHERE, Hosts, Ports
from fivetuple.origins.texts.collector import BAD_ROW


@pytest.mark.parametrize(
    ("text", "family", "address", "interface"),
    [
        ("10.0.0.1", 2, "10.0.0.1", ""),
        ("127.0.0.53%lo", 2, "127.0.0.53", "lo"),
        ("::1", 10, "::1", ""),
        ("[::1]", 10, "::1", ""),
        ("[fe80::1]%eth0", 10, "fe80::1", "eth0"),
        ("[fe80::1%12]", 10, "fe80::1", "12"),
        ("fe80::1%lo0", 10, "fe80::1", "lo0"),
        ("*%eth0", ANYWHERE, "0.0.0.0", "eth0"),
        ("[::ffff:10.0.0.1]", 10, "10.0.0.1", ""),
    ],
)
def test_addresses_as_tools_write_them(text, family, address, interface):
    found = Hosts()[text]

    assert (found[0], address_text(found[1]), found[2]) == (family, address, interface)


@pytest.mark.parametrize("text", ["web1", "1.2.3", "[", "1:2", "[10.0.0.1", "256.1.1.1", "\0"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BAD_ROW):
        Hosts()[text]


def test_ports_by_number_star_and_name():
    ports = Ports("tcp")

    assert [ports[text] for text in ("*", "65535", "ssh", "https", "domain")] == [
        0,
        65535,
        22,
        443,
        53,
    ]


@pytest.mark.parametrize("text", ["65536", "99999999999", "no-such-service", "", "-1", "\udc80"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(BAD_ROW):
        Ports("tcp")[text]
