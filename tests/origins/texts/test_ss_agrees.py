"""The text of this machine's ss against sock_diag, for sockets in every state."""

import subprocess

import pytest
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel import sock_diag
from fivetuple.kernel.sock_diag_states import MPTCP, TCP, UDP
from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.state import BOUND_INACTIVE, LISTEN, SYN_RECV, TIME_WAIT
from fivetuple.origins.texts import ss

pytestmark = pytest.mark.kernel

MOVING = {"timer_ms", "last_data_sent_ms", "last_data_received_ms", "last_ack_received_ms"}
# of sockets whose timer runs, which send meanwhile
SENDING = {
    "timer_retransmits", "retransmits", "unacked_segments", "rto_us", "backoff", "segments_sent", "bytes_sent",
    "bytes_retransmitted", "congestion_window", "lost_segments", "retransmits_in_flight", "slow_start_threshold",
    "probes", "rto_retransmits", "congestion_state", "timer",
}  # fmt: skip
# the id of a cgroup, the interface's number and SO_MARK == 0 are not in the text
OTHER = {"netns", "known", "cgroup_id", "interface", "mark", "options"}
ROUNDED = {"busy_us", "recv_window_limited_us", "send_buffer_limited_us"}  # to milliseconds
UNPRINTED = {"recv_window_bytes"}  # by iproute2 6.1


@pytest.fixture(scope="module")
def situation():
    with namespace() as name, child_in(name, CODE) as child:
        yield name, child


def read(name, flags):
    enter = ["nsenter", f"--net=/run/netns/{name}", "--", "ss", *flags.split()]
    return subprocess.run(
        enter, capture_output=True, text=True, check=True, errors="surrogateescape"
    ).stdout


def by_sock_diag():
    chunks = [
        bytes(rows)
        for family in (AF_INET, AF_INET6)
        for protocol in (TCP, UDP, MPTCP)
        for rows in sock_diag.dump(family, protocol, tcp_info=True, options=True, netns=0)
    ]
    return b"".join(chunks)


def by_cookie(rows):
    return {row["cookie"]: row for row in record.unpack(rows)}


def test_every_state_reads_as_sock_diag_tells_it(situation):
    name, _ = situation
    kernel = by_cookie(in_namespace(name, by_sock_diag))

    snapshot = ss.parse(read(name, "-tuManpemoi"), 1)

    told = by_cookie(snapshot.rows)
    assert snapshot.missing.get(facts.SOCKETS) is None
    assert {row["state"] for row in told.values()} >= set(range(1, 12)) - {7}
    assert {cookie for cookie, row in kernel.items() if row["state"] != BOUND_INACTIVE} == set(told)
    for cookie, row in told.items():
        both = row["known"] & kernel[cookie]["known"]
        for column in record.COLUMNS:
            left_out = MOVING | OTHER | ROUNDED | UNPRINTED | (SENDING if row["timer"] else set())
            if column.name == "rtt_var_us" and not row["rtt_us"]:
                continue  # ss prints them together
            if column.name in left_out or (column.group and not both & column.group):
                continue
            assert row[column.name] == kernel[cookie][column.name], (
                column.name,
                row,
                kernel[cookie],
            )


def test_groups_that_ss_tells_are_known(situation):
    name, child = situation

    rows = by_cookie(ss.parse(read(name, "-tanpemoi"), 1).rows)

    row = rows[child.facts["cookie"]]
    everything = (
        record.QUEUES | record.COOKIE | record.DROPS | record.TIMER | record.SHUTDOWN | record.BUFFERS
        | record.TCP_INFO | record.UID | record.CONGESTION | record.INODE
    )  # fmt: skip
    assert row["known"] & everything == everything
    assert row["inode"] == child.facts["inode"]


@pytest.mark.parametrize(
    "flags",
    [
        "-tuaMnpemoi",
        "-tuMan",
        "-tuManO",
        "-tuManHp",
        "-tuManHemoiO",
        "-tuManeo",
        "-tuMani",
        "-tuManmp",
    ],
)
def test_each_choice_of_flags_tells_the_same_sockets(situation, flags):
    name, _ = situation
    ends = ("state", "local", "local_port", "remote", "remote_port", "type", "family")

    def sockets(text):
        return sorted(
            tuple(row[end] for end in ends) for row in record.unpack(ss.parse(text, 1).rows)
        )

    assert sockets(read(name, flags)) == sockets(read(name, "-tuManpemoi"))


def test_tcp_alone_has_no_netid_and_is_tcp(situation):
    name, _ = situation

    for flags in ("-tan", "-tanH", "-tanpemoi"):
        rows = list(record.unpack(ss.parse(read(name, flags), 1).rows))
        assert {row["protocol_number"] for row in rows} == {6}
        assert len(rows) == len(read(name, "-tanHO").splitlines())


def test_udp_alone_is_udp(situation):
    name, _ = situation

    rows = list(record.unpack(ss.parse(read(name, "-uanpe"), 1).rows))

    assert {row["protocol_number"] for row in rows} == {17}


def test_names_of_services_are_their_ports():
    with namespace() as name, child_in(name, SERVICES):
        told = ss.parse(read(name, "-tuap"), 1)
        numeric = ss.parse(read(name, "-tuanp"), 1)

    assert told.missing.get(facts.SOCKETS) is None
    assert sorted(row["local_port"] for row in record.unpack(told.rows)) == [22, 53, 80, 443]
    assert len(told) == len(numeric)


SERVICES = """
import socket
keep = [socket.create_server(("127.0.0.1", port)) for port in (22, 80, 443)]
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 53))
ready()
wait()
"""


def test_a_state_filter_drops_the_column_and_listeners_are_still_known(situation):
    name, _ = situation
    text = read(name, "-tan state listening")

    rows = list(record.unpack(ss.parse(text, 1).rows))

    assert "State" not in text
    assert {row["state"] for row in rows} == {LISTEN}
    assert all(row["known"] & record.BACKLOG for row in rows)


def test_of_time_wait_the_timer_tells_the_state(situation):
    name, _ = situation

    rows = list(record.unpack(ss.parse(read(name, "-tano state time-wait"), 1).rows))

    assert rows
    assert {row["state"] for row in rows} == {TIME_WAIT}


def test_states_that_nothing_tells_stay_unknown_and_are_counted(situation):
    name, _ = situation

    snapshot = ss.parse(read(name, "-tan state close-wait"), 1)

    assert {row["state"] for row in record.unpack(snapshot.rows)} == {0}
    assert snapshot.missing[facts.SOCKETS] == (
        f"{len(snapshot)} sockets without a state: ss prints none when states are selected"
    )


def test_sockets_without_a_file_have_no_known_user(situation):
    name, _ = situation

    rows = list(record.unpack(ss.parse(read(name, "-tanpe"), 1).rows))

    without_file = [row for row in rows if row["known"] & record.INODE and not row["inode"]]
    assert {TIME_WAIT, SYN_RECV} <= {row["state"] for row in without_file}
    assert not any(row["known"] & record.UID for row in without_file)


def test_owners_are_the_processes_that_ss_names(situation):
    name, child = situation

    snapshot = ss.parse(read(name, "-tanpe"), 1)

    ((pid, _fd),) = snapshot.holders_of(child.facts["inode"])
    assert pid == child.pid
    assert snapshot.processes[pid].comm == snapshot.processes[pid].name.encode()


def test_a_text_on_a_terminal_reads_the_same(situation):
    name, _ = situation
    enter = f"stty cols 60; nsenter --net=/run/netns/{name} -- ss -tanp"
    done = subprocess.run(
        ["script", "-qec", enter, "/dev/null"],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    text = done.stdout.decode().replace("\r\n", "\n")

    snapshot = ss.parse(text, 1)

    assert len(snapshot) == len(read(name, "-tanHO").splitlines())
    assert snapshot.missing.get(facts.SOCKETS) is None
