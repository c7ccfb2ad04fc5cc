"""The TCP states as a table: what each means, who must act next, how long Linux waits.

How to read STATES: one State a kernel number. `name` is the kernel's spelling, `ss` and
`netstat` are what those tools print. `next` are the numbers that can follow. Numbers are from
include/net/tcp_states.h. `ft explain` draws its pages of the states from this table, so a
change here changes them too; WORDS below must know every spelling.

Imported on the way of `ft ls`: plain ints and named tuples.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.errors import BadInput

ESTABLISHED = 1
SYN_SENT = 2
SYN_RECV = 3
FIN_WAIT1 = 4
FIN_WAIT2 = 5
TIME_WAIT = 6
CLOSE = 7
CLOSE_WAIT = 8
LAST_ACK = 9
LISTEN = 10
CLOSING = 11
NEW_SYN_RECV = 12  # a request socket inside the kernel; every road shows it as SYN_RECV
BOUND_INACTIVE = 13  # no state of the kernel's: sock_diag's word for bound and in CLOSE (6.8)

State = namedtuple(
    "State", "number name ss netstat meaning implication acts next timeout advice source"
)

_RFC = "RFC 9293 section 3.3.2"

STATES = {
    state.number: state
    for state in (
        State(
            ESTABLISHED, "ESTABLISHED", "ESTAB", "ESTABLISHED",
            meaning="The handshake is complete: both sides may send and receive.",
            implication="Normal. An ESTABLISHED socket that no process holds has not been accepted yet: it waits in its "
            "listener's accept queue.",
            acts="either program: send, receive or close",
            next=(FIN_WAIT1, CLOSE_WAIT, CLOSE),
            timeout="None while idle: a peer that vanished is noticed only by SO_KEEPALIVE or by sending. Unanswered data is "
            "given up after tcp_retries2 ({tcp_retries2}) retransmissions, 15 minutes or more by default.",
            advice="A send queue that stays full: the peer does not read or the network loses packets. A receive queue that "
            "stays full: our own program does not read.",
            source=_RFC,
        ),
        State(
            SYN_SENT, "SYN_SENT", "SYN-SENT", "SYN_SENT",
            meaning="connect() sent a SYN and waits for the answer.",
            implication="Lasting more than a moment, nobody answers: a firewall drops packets, the host is down or the route is "
            "wrong; or the listener is there and its accept queue is full, for then its kernel drops the SYN too. A "
            "closed port would have answered with RST at once.",
            acts="the peer's kernel: answer with SYN-ACK or RST",
            next=(ESTABLISHED, SYN_RECV, CLOSE),
            timeout="tcp_syn_retries ({tcp_syn_retries}) repeats, then ETIMEDOUT: some 130 s by default (127 s before Linux 6.5).",
            advice="Look at the server before blaming the firewall: `ft port PORT` there shows the accept queue.",
            source=f"{_RFC}; man 7 tcp tcp_syn_retries",
        ),
        State(
            SYN_RECV, "SYN_RECV", "SYN-RECV", "SYN_RECV",
            meaning="A SYN came in, our kernel answered SYN-ACK and waits for the last ACK of the handshake.",
            implication="A few on a busy server are normal. Many mean that the last ACK does not come (a path that works in one "
            "direction, a flood with forged senders) or is dropped because the accept queue is full. With SYN "
            "cookies on, a flood shows as growing SyncookiesSent and only few SYN_RECV.",
            acts="the peer's kernel: send the ACK",
            next=(ESTABLISHED, CLOSE),
            timeout="tcp_synack_retries ({tcp_synack_retries}) repeats of the SYN-ACK: 63 s by default.",
            advice="It belongs to its listener, no process holds it. Compare the listener's accept queue with its backlog, and "
            "the counters SyncookiesSent, TCPReqQFullDrop and ListenDrops.",
            source=f"{_RFC}; net/ipv4/tcp_input.c tcp_conn_request()",
        ),
        State(
            FIN_WAIT1, "FIN_WAIT1", "FIN-WAIT-1", "FIN_WAIT1",
            meaning="We closed: our FIN is sent or waits behind unsent data, and the peer has not acknowledged it.",
            implication="Normal for one round trip. Lasting, the peer is gone or keeps its receive window at zero, and our "
            "remaining data can't leave.",
            acts="the peer's kernel: acknowledge our FIN",
            next=(FIN_WAIT2, CLOSING, TIME_WAIT, CLOSE),
            timeout="Once no process holds it: tcp_orphan_retries ({tcp_orphan_retries}; 0 means 8) retransmissions.",
            advice="Many of them with data in the send queue: clients that vanished or refuse to read.",
            source=f"{_RFC}; man 7 tcp tcp_orphan_retries",
        ),
        State(
            FIN_WAIT2, "FIN_WAIT2", "FIN-WAIT-2", "FIN_WAIT2",
            meaning="We closed and the peer acknowledged it; the peer itself has not closed yet.",
            implication="The other end is in CLOSE_WAIT: its program has not called close(). Half closed, it may still send.",
            acts="the peer's program: call close()",
            next=(TIME_WAIT, CLOSE),
            timeout="tcp_fin_timeout ({tcp_fin_timeout} s) once no process holds it. Still open after shutdown(SHUT_WR), it can "
            "last for ever.",
            advice="Look at the peer: a leak of CLOSE_WAIT there is a row of FIN_WAIT2 here.",
            source=f"{_RFC}; Documentation/networking/ip-sysctl.rst tcp_fin_timeout",
        ),
        State(
            TIME_WAIT, "TIME_WAIT", "TIME-WAIT", "TIME_WAIT",
            meaning="Both sides have closed and this side closed first; the kernel remembers the four addresses so that a late "
            "packet can't enter a new connection, and can answer a repeated FIN.",
            implication="Normal and healthy: it holds no process, no descriptor and hardly any memory. It matters where one "
            "client opens many short connections to one destination: their local ports can't be used again "
            "for that destination meanwhile.",
            acts="nobody: the kernel's clock",
            next=(CLOSE,),
            timeout="60 s on Linux, fixed when the kernel is built; no sysctl changes it (tcp_fin_timeout is about FIN_WAIT2).",
            advice="Reuse connections (keep-alive, a pool), let the client's side spread over more addresses, or set "
            "net.ipv4.tcp_tw_reuse=1 on the side that connects (now {tcp_tw_reuse}; 2 means loopback only).",
            source=f"{_RFC}; include/net/tcp.h TCP_TIMEWAIT_LEN; RFC 6191",
        ),
        State(
            CLOSE, "CLOSE", "UNCONN", "CLOSE",
            meaning="No connection. Of a stream socket: new, refused or finished. A datagram socket without a peer is in this "
            "state too and is shown as UNCONN.",
            implication="UNCONN is how every UDP server looks: it receives from anybody. It is bound, not listening as TCP does.",
            acts="the program: connect, listen or close",
            next=(SYN_SENT, LISTEN),
            timeout="None.",
            advice="For UDP nothing is wrong. A TCP socket here that holds a port is bound and inactive.",
            source=f"{_RFC}; include/net/tcp_states.h",
        ),
        State(
            CLOSE_WAIT, "CLOSE_WAIT", "CLOSE-WAIT", "CLOSE_WAIT",
            meaning="The peer closed; our program has not called close() yet.",
            implication="Short: normal. Staying and growing in number: the program forgot to close, and will run out of file "
            "descriptors.",
            acts="our program: call close()",
            next=(LAST_ACK, CLOSE),
            timeout="None: the kernel waits for the program until it exits. (Keepalive or a reset from the peer can end it.)",
            advice="Close the connection when recv() returns 0; in a pool, drop idle connections. Restarting the program frees "
            "them, once. A receive queue of 1 is the peer's FIN itself.",
            source=f"{_RFC}; net/ipv4/tcp_input.c tcp_fin()",
        ),
        State(
            LAST_ACK, "LAST_ACK", "LAST-ACK", "LAST_ACK",
            meaning="The peer closed first, then we did; our FIN waits for its acknowledgement.",
            implication="Normal for one round trip. Lasting, the peer is gone.",
            acts="the peer's kernel: acknowledge our FIN",
            next=(CLOSE,),
            timeout="tcp_orphan_retries ({tcp_orphan_retries}; 0 means 8) retransmissions.",
            advice="Nothing: it ends by itself.",
            source=f"{_RFC}; man 7 tcp tcp_orphan_retries",
        ),
        State(
            LISTEN, "LISTEN", "LISTEN", "LISTEN",
            meaning="The socket waits for connections; each accept() makes a new socket with the same local port.",
            implication="The port is open from where its address can be reached. That a connection succeeds proves the kernel's "
            "handshake, not that the program answers.",
            acts="a client: connect; the program: accept()",
            next=(CLOSE,),
            timeout="None.",
            advice="ss shows the accept queue as Recv-Q and its limit as Send-Q. A queue above its limit makes the kernel drop "
            "new connections: the program accepts too slowly or the backlog is too small.",
            source=f"{_RFC}; man 2 listen; net/ipv4/tcp_diag.c tcp_diag_get_info()",
        ),
        State(
            CLOSING, "CLOSING", "CLOSING", "CLOSING",
            meaning="Both sides closed at the same moment: the peer's FIN came before the acknowledgement of ours.",
            implication="Rare and short.",
            acts="the peer's kernel: acknowledge our FIN",
            next=(TIME_WAIT, CLOSE),
            timeout="tcp_orphan_retries ({tcp_orphan_retries}; 0 means 8) retransmissions, once no process holds it.",
            advice="Nothing: it ends by itself.",
            source=_RFC,
        ),
        State(
            BOUND_INACTIVE, "BOUND_INACTIVE", "UNCONN", "",
            meaning="bind() took a port, but the socket neither listens nor connects.",
            implication="It holds the port all the same: others get EADDRINUSE, while /proc/net/tcp, lsof -i, netstat and older "
            "ss show nothing there.",
            acts="the program: listen(), connect() or close()",
            next=(LISTEN, SYN_SENT, CLOSE),
            timeout="None.",
            advice="`ft port N` names the process. Often a program that stopped half-way between bind() and listen(), or one that "
            "reserves a port.",
            source="include/net/tcp_states.h TCP_BOUND_INACTIVE (Linux 6.8)",
        ),
    )
}  # fmt: skip

NAMES = {number: state.name for number, state in STATES.items()} | {NEW_SYN_RECV: "SYN_RECV"}

_SYN_RECV = frozenset((SYN_RECV, NEW_SYN_RECV))
_ALL = frozenset(NAMES)
_CONNECTED = _ALL - {CLOSE, LISTEN, BOUND_INACTIVE}
_BUCKET = _SYN_RECV | {TIME_WAIT}

# Every spelling without its dashes and underscores, in lower case: ss's words (man 8 ss, STATE-FILTER),
# what ss, netstat (Linux, BSD, Windows) and lsof print, and the names of RFC 9293.
WORDS = {
    "established": frozenset((ESTABLISHED,)),
    "estab": frozenset((ESTABLISHED,)),
    "synsent": frozenset((SYN_SENT,)),
    "synrecv": _SYN_RECV,
    "synrcv": _SYN_RECV,
    "synrcvd": _SYN_RECV,
    "synreceived": _SYN_RECV,
    "newsynrecv": _SYN_RECV,
    "finwait1": frozenset((FIN_WAIT1,)),
    "finwait2": frozenset((FIN_WAIT2,)),
    "finwait": frozenset((FIN_WAIT1, FIN_WAIT2)),
    "timewait": frozenset((TIME_WAIT,)),
    "close": frozenset((CLOSE,)),
    "closed": frozenset((CLOSE,)),
    "unconn": frozenset((CLOSE,)),
    "unconnected": frozenset((CLOSE,)),
    "closewait": frozenset((CLOSE_WAIT,)),
    "lastack": frozenset((LAST_ACK,)),
    "listen": frozenset((LISTEN,)),
    "listening": frozenset((LISTEN,)),
    "closing": frozenset((CLOSING,)),
    "boundinactive": frozenset((BOUND_INACTIVE,)),
    "all": _ALL,
    "connected": _CONNECTED,
    "synchronized": _CONNECTED - {SYN_SENT},
    "bucket": _BUCKET,
    "big": _ALL - _BUCKET,
}

# The spellings worth suggesting and completing: ss's own.
SS_WORDS = (
    "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait", "closed", "close-wait", "last-ack",
    "listening", "closing", "bound-inactive", "unconnected", "all", "connected", "synchronized", "bucket", "big",
)  # fmt: skip


def state_name(number: int, *, is_stream: bool = True) -> str:
    """Return the kernel's name of a state; CLOSE of a datagram or raw socket is UNCONN."""
    if number == CLOSE and not is_stream:
        return "UNCONN"
    return NAMES.get(number) or f"STATE_{number}"


def parse_state(word: str) -> frozenset[int]:
    """Return the state numbers that a word stands for: `close-wait`, `TIME_WAIT`, `connected` ...

    Raises BadInput with a suggestion when no tool calls a state that.
    """
    states = WORDS.get(_plain(word))
    if states is None:
        raise BadInput(_unknown(word))
    return states


def _plain(word: str) -> str:
    """Return the word as WORDS spells it."""
    return word.lower().replace("-", "").replace("_", "")


def _unknown(word: str) -> str:
    """Say that there is no such state, and which one may have been meant."""
    from difflib import get_close_matches

    from fivetuple.model.text import printable

    close = get_close_matches(word.lower().replace("_", "-")[:40], SS_WORDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(SS_WORDS)}."
    return f"{printable(word[:80])!r} is no socket state: {hint}"
