"""Every article renders, names its sources and leads on; and is right where guides are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.analysis import explaining
from fivetuple.analysis.explaining import Fact, explain, suggestions, topics
from fivetuple.model import record
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import FIELD
from fivetuple.model.state import STATES

ARTICLES = explaining._all_topics()
SYSCTLS = {
    "net.ipv4.ip_local_port_range": "40000\t40599",
    "net.ipv4.ip_local_reserved_ports": "40000-40059",
    "net.ipv4.ip_unprivileged_port_start": "80",
    "net.ipv4.tcp_fin_timeout": "17",
    "net.core.somaxconn": "777",
}


def known(word, sysctls=None):
    """Return the explanation of a word that has one."""
    found = explain(word, sysctls or {})
    assert found is not None, word
    return found


def text(word, sysctls=None):
    """Return all that is said of a word."""
    found = known(word, sysctls)
    return " ".join((found.title, *found.paragraphs, found.told))


@pytest.mark.parametrize("topic", ARTICLES, ids=lambda topic: topic.word)
def test_every_article_renders_without_sysctls_and_names_its_sources(topic):
    found = known(topic.word)

    assert found.word == topic.word
    assert found.title
    assert found.paragraphs
    assert found.sources
    assert "{" not in text(topic.word)


@pytest.mark.parametrize("topic", ARTICLES, ids=lambda topic: topic.word)
def test_every_see_also_leads_to_another_article(topic):
    words = {other.word for other in ARTICLES}

    assert topic.see_also
    assert set(topic.see_also) <= words - {topic.word}


def test_no_two_articles_share_a_name():
    names = [explaining._plain(name) for topic in ARTICLES for name in (topic.word, *topic.aliases)]

    assert sorted(names) == sorted(set(names))


def test_every_placeholder_is_used_and_known():
    texts = [part for topic in ARTICLES for part in (topic.title, *topic.paragraphs, topic.told)]
    used = {name for part in texts for name in explaining._PLACEHOLDER.findall(part)}

    assert used == explaining.PLACEHOLDERS


@pytest.mark.parametrize("state", STATES.values(), ids=lambda state: state.name)
def test_every_state_is_explained_in_any_spelling(state):
    for word in (
        state.name,
        state.name.lower().replace("_", "-"),
        state.name.lower().replace("_", " "),
    ):
        assert known(word).word == state.name


@pytest.mark.parametrize("name", sorted({*FIELD, *record.COLUMN}))
def test_every_column_is_explained(name):
    meaning = (FIELD.get(name) or record.COLUMN[name]).meaning

    assert meaning in text(name)


@pytest.mark.parametrize(
    "word",
    [
        "SO_REUSEADDR", "SO_REUSEPORT", "IP_BIND_ADDRESS_NO_PORT", "IPV6_V6ONLY", "SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY",
        "SO_BINDTODEVICE", "IP_TRANSPARENT", "IP_FREEBIND", "EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ECONNREFUSED",
        "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EPIPE", "EMFILE", "ENFILE", "ECONNABORTED", "EAGAIN",
        "EINPROGRESS", "ENOBUFS", "EPERM", "well-known", "registered", "ephemeral", "NodePort", "0.0.0.0", "127.0.0.1", "::",
        "::1", "port 0", "backlog", "accept queue", "SYN queue", "ephemeral ports", "5-tuple", "stream", "datagram", "raw",
        "seqpacket", "unix", "abstract", "netlink", "packet", "vsock", "SYN", "ACK", "FIN", "RST", "PSH", "URG", "ECE", "CWR",
        "receive queue", "send queue", "orphan", "dual stack", "v4-mapped", "scope id", "network namespace", "cookie",
        "inode", "conntrack", "NAT", "DNAT", "keep-alive", "three-way handshake", "rtt", "cwnd", "rto", "retrans",
        "address already in use", "connection refused", "Recv-Q", "Send-Q",
    ],
)  # fmt: skip
def test_the_words_that_people_look_up_are_known(word):
    assert known(word).group not in (explaining.COLUMN_GROUP, explaining.PORT_GROUP)


def test_a_hosts_own_numbers_stand_in_the_text_and_among_the_facts():
    found = known("ephemeral ports", SYSCTLS)

    assert "40000-40599: 540 ports" in found.paragraphs[0]
    assert "9 new ones a second" in found.paragraphs[1]
    assert found.facts == (Fact("net.ipv4.ip_local_port_range", "40000 40599", is_default=False),)


def test_an_unknown_number_is_linuxs_default_and_says_so():
    found = known("ephemeral ports")

    assert "32768-60999 (default): 28232 (default) ports" in found.paragraphs[0]
    assert found.facts[0].is_default


def test_inside_parentheses_the_word_default_comes_first():
    assert "(default 60 s)" in text("FIN_WAIT2")
    assert "(17 s)" in text("FIN_WAIT2", SYSCTLS)


def test_other_numbers_of_this_host_are_used():
    assert "below 80 need" in text("EACCES", SYSCTLS)
    assert "here 777, caps it" in text("backlog", SYSCTLS)
    assert "here 40000-40059" in text("reserved ports", SYSCTLS)


def test_sysctls_from_strangers_are_shown_escaped():
    assert "\x1b" not in text("backlog", {"net.core.somaxconn": "\x1b[31m4096\n"})


@pytest.mark.parametrize(
    ("word", "truth"),
    [
        ("TIME_WAIT", "60 s on Linux"),
        ("TIME_WAIT", "tcp_fin_timeout is about FIN_WAIT2"),
        ("ephemeral ports", "only towards one destination"),
        ("ephemeral ports", "49152-65535 is IANA's range"),
        ("SO_REUSEADDR", "connections left over must have had it too"),
        ("0.0.0.0", "can't both be bound while one listens"),
        ("receive queue", "they are the accept queue and its limit"),
        ("SYN queue", "not as thousands of SYN_RECV"),
        ("accept queue", "does not prove that the program works"),
        ("datagram socket", "silence is also what a firewall"),
        ("ETIMEDOUT", "full drops the SYN as well"),
        ("well-known ports", "a capability is"),
        ("ECONNREFUSED", "may have been a firewall"),
        ("EADDRINUSE", "bound and inactive socket"),
        ("tcp_tw_reuse", "removed in Linux 4.12"),
    ],
)
def test_what_guides_get_wrong_is_told_right(word, truth):
    assert truth in text(word)


def test_a_number_is_explained_as_a_port_of_this_host():
    found = known("443", SYSCTLS)

    assert found.title == "https"
    assert "HTTP/3" in " ".join(found.paragraphs)
    assert "No privilege is needed here" in " ".join(found.paragraphs)


def test_a_service_is_explained_by_its_port():
    assert known("kafka").word == "9092"
    assert known("postgres").word == "5432"
    assert known(":22").title == "ssh"


def test_telnet_is_never_in_the_open():
    assert "Never in the open: passwords travel in clear text" in text("23")


def test_what_iana_repeats_for_udp_is_not_said_twice():
    assert len([part for part in known("5432").paragraphs if part.startswith("postgresql")]) == 1


@pytest.mark.parametrize("number", ["65536", "99999999999"])
def test_a_number_that_is_no_port_is_bad_input(number):
    with pytest.raises(BadInput, match="ports are 0-65535"):
        explain(number, {})


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("SO_REUSADDR", "SO_REUSEADDR"),
        ("timewat", "TIME_WAIT"),
        ("kafak", "kafka"),
        ("recv_queue_byte", "recv_queue_bytes"),
    ],
)
def test_an_unknown_word_gets_a_suggestion(word, meant):
    assert explain(word, {}) is None
    assert meant in suggestions(word)


def test_a_word_like_nothing_gets_no_suggestion():
    assert suggestions("zzzzqqqq") == []


@given(st.text(max_size=30))
def test_any_word_is_explained_suggested_or_bad_input(word):
    try:
        found = explain(word, {})
    except BadInput:
        return
    assert found is not None or isinstance(suggestions(word), list)


def test_the_contents_list_every_article_once_by_group():
    words = [
        word for heading, entries in topics().items() if heading != "Columns" for word, _ in entries
    ]

    assert sorted(words) == sorted(topic.word for topic in ARTICLES)
    assert all(topics().values())


@pytest.mark.parametrize("word", ["exit", "exit status", "exit codes"])
def test_every_exit_status_is_explained(word):
    from fivetuple.cli import main
    from fivetuple.model import errors

    statuses = {0, 1, main.INTERRUPTED, main.OWN_FAULT} | {
        error.exit_status
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.FivetupleError)
    }

    assert known(word).word == "exit status"
    assert all(f"{status}: " in text(word) for status in statuses)
