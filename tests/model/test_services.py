"""What ports are for: the names people use before IANA's, and the traps of many lists."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model import services
from fivetuple.model.errors import BadInput
from fivetuple.model.services import EXPOSURES, NEVER, SAFE, name_of, port_of, search, service

KNOWN = list(services._known_lines())


def known(port, protocol="tcp"):
    """Return the service of a port that has one."""
    found = service(port, protocol)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("port", "protocol", "name"),
    [
        (20, "tcp", "ftp-data"), (21, "tcp", "ftp"), (22, "tcp", "ssh"), (23, "tcp", "telnet"), (25, "tcp", "smtp"),
        (53, "tcp", "dns"), (53, "udp", "dns"), (67, "udp", "dhcps"), (68, "udp", "dhcpc"), (80, "tcp", "http"),
        (110, "tcp", "pop3"), (123, "udp", "ntp"), (143, "tcp", "imap"), (443, "tcp", "https"), (443, "udp", "https"),
        (465, "tcp", "submissions"), (587, "tcp", "submission"), (993, "tcp", "imaps"), (995, "tcp", "pop3s"),
        (1433, "tcp", "mssql"), (3306, "tcp", "mysql"), (3389, "tcp", "rdp"), (5173, "tcp", "vite"),
        (5432, "tcp", "postgresql"), (5672, "tcp", "amqp"), (6379, "tcp", "redis"), (8080, "tcp", "http-alt"),
        (8443, "tcp", "https-alt"), (9092, "tcp", "kafka"), (9200, "tcp", "elasticsearch"), (27017, "tcp", "mongodb"),
        (3868, "sctp", "diameter"), (51820, "udp", "wireguard"),
    ],
)  # fmt: skip
def test_ports_have_the_names_that_people_use(port, protocol, name):
    assert name_of(port, protocol) == name


def test_imap_is_never_called_https():
    found = known(143)

    assert found.name == "imap"
    assert "nothing to do with HTTPS" in found.description
    assert "143" not in {str(port) for port in port_of("https")}


def test_465_is_submission_over_tls_and_587_submission_with_starttls():
    assert "from the first byte" in known(465).description
    assert "STARTTLS" in known(587).description


def test_http3_is_443_over_udp():
    assert "HTTP/3" in known(443, "udp").description
    assert port_of("http3", "udp") == [443]


def test_telnet_is_never_safe_in_the_open_and_says_why():
    found = known(23)

    assert found.exposure == NEVER
    assert "clear text" in found.reason


def test_ssh_is_safe_in_the_open():
    assert known(22).exposure == SAFE


def test_what_only_iana_knows_has_no_verdict():
    found = known(49000)

    assert (found.name, found.iana_name, found.exposure) == ("matahari", "matahari", None)


def test_a_port_that_iana_lists_under_an_older_product_keeps_both_names():
    assert (known(9092).name, known(9092).iana_name) == ("kafka", "XmlIpcRegSvc")


def test_a_port_inside_a_known_range_is_told_by_service_and_not_by_name():
    assert known(30007).name == "nodeport"
    assert (known(30007).port, known(30007).last_port) == (30000, 32767)
    assert name_of(30007) is None


def test_a_port_without_a_service_has_no_name():
    assert name_of(65535) is None
    assert service(65535) is None


def test_protocols_that_borrow_ports_get_the_names_of_their_owner():
    assert name_of(53, "udplite") == "dns"
    assert name_of(443, "mptcp") == "https"
    assert name_of(443, "icmp") is None


@pytest.mark.parametrize("name", ["https", "HTTPS", "http-over-tls"])
def test_a_service_is_found_by_name_alias_and_any_case(name):
    assert port_of(name) == [443]


def test_names_of_iana_find_their_port_too():
    assert port_of("domain", "udp") == [53]
    assert port_of("ms-wbt-server") == [3389]
    assert port_of("xmlipcregsvc") == [9092]


@pytest.mark.parametrize("name", ["", "no-such-service", "a\tb", "\n443/tcp", "\udcff"])
def test_an_unknown_name_has_no_port(name):
    assert port_of(name) == []


def test_search_puts_the_exact_name_first():
    assert search("redis")[0].port == 6379
    assert [found.port for found in search("imap")][:1] == [143]


def test_search_of_a_port_gives_every_protocol():
    assert {(found.port, found.protocol) for found in search("53")} >= {(53, "tcp"), (53, "udp")}


def test_search_of_a_range_gives_it_by_port():
    ports = [found.port for found in search("20-25")]

    assert ports == sorted(ports)
    assert set(ports) >= {20, 21, 22, 23, 25}
    assert max(ports) <= 25


def test_search_of_a_range_includes_ranges_that_overlap_it():
    assert "nodeport" in {found.name for found in search("31000-31010")}


@pytest.mark.parametrize("word", ["65536", "0-65536", "99999999999999999999", "9" * 5000, "443-80"])
def test_a_port_that_cannot_be_is_refused(word):
    with pytest.raises(BadInput):
        search(word)


@given(st.text(max_size=20))
def test_search_takes_any_text(word):
    try:
        found = search(word)
    except BadInput:
        return
    assert all(service(one.port, one.protocol) is not None for one in found[:3])


def test_the_index_of_many_ports_agrees_with_the_search_of_one(monkeypatch):
    ports = [*range(1100), 5432, 27017, 30007, 65535]
    monkeypatch.setattr(services, "_names", {})
    monkeypatch.setattr(services, "MANY_PORTS", 1 << 30)
    one_by_one = [name_of(port, protocol) for port in ports for protocol in ("tcp", "udp")]
    monkeypatch.setattr(services, "_names", {})
    monkeypatch.setattr(services, "MANY_PORTS", 0)

    at_once = [name_of(port, protocol) for port in ports for protocol in ("tcp", "udp")]

    assert at_once == one_by_one


def test_the_hand_written_table_is_sorted_whole_and_judged():
    keys = [(int(re.split(r"[-/]", fields[0])[0]), fields[0].partition("/")[2]) for fields in KNOWN]

    assert len(KNOWN) >= 150
    assert keys == sorted(keys)
    for key, name, _, exposure, purpose, reason in KNOWN:
        assert re.fullmatch(r"\d+(-\d+)?/(tcp|udp|sctp|dccp)(,(tcp|udp|sctp|dccp))*", key)
        assert exposure in EXPOSURES, key
        assert name, key
        assert purpose, key
        assert reason, key


def test_no_port_has_two_lines_for_one_protocol():
    pairs = [
        (fields[0].partition("/")[0], protocol)
        for fields in KNOWN
        for protocol in services._protocols(fields)
    ]

    assert len(pairs) == len(set(pairs))


def test_the_registry_is_whole_and_sorted():
    lines = [
        line
        for line in services._text("services.tsv").decode().splitlines()
        if line and line[0] != "#"
    ]
    keys = [(int(line.split("/")[0]), line.split("\t")[0].split("/")[1]) for line in lines]

    assert len(lines) > 11_000
    assert keys == sorted(set(keys))
    assert {protocol for _, protocol in keys} == set(services.PROTOCOLS)
    assert all(len(line.split("\t")) == 3 for line in lines)
