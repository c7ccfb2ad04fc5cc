"""The /proc road: the sockets of one network namespace from the text tables in /proc/net.

The last road: every user may read it, no netlink is needed, and it knows least (no cookie, no
backlog, no tcp_info, no peer of unix sockets). A row's `known` says just what its table gives.
The same parsers read copies of these tables that people save and send.

`/proc/net` is `/proc/self/net`, the namespace of the process's *first* thread; a thread that
entered another namespace must read `/proc/thread-self/net` (proc_pid_net(5), Linux 3.17).
"""

from __future__ import annotations

from fivetuple.kernel.proc_inet import parse_inet
from fivetuple.kernel.proc_local import parse_netlink, parse_packet, parse_unix
from fivetuple.kernel.proc_sctp import parse_associations, parse_endpoints
from fivetuple.model.errors import BadInput, NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

THREAD_TABLES = "/proc/thread-self/net"
BLOCK_BYTES = 1 << 18

INET_KINDS = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
LOCAL_KINDS = ("unix", "netlink", "packet")
SCTP_KINDS = ("sctp/eps", "sctp/assocs")

# Protocol asked for -> its tables. Listeners and connections of SCTP are in two.
TABLES = {kind: (kind,) for kind in INET_KINDS + LOCAL_KINDS} | {"sctp": SCTP_KINDS}

# What this kernel lacks when a table isn't there.
SUPPORT = {
    "tcp": "TCP",
    "udp": "UDP",
    "udplite": "UDP-Lite",
    "raw": "raw sockets",
    "icmp": "ping sockets",
    "unix": "unix sockets",
    "netlink": "netlink",
    "packet": "packet sockets (module af_packet)",
    "sctp": "SCTP (module sctp)",
}

# The start of a table's first line, its words joined by one blank, and the tables that have it,
# the likeliest first: the text can't tell a copy of raw or ping sockets from one of UDP.
_INET = b"tx_queue rx_queue tr tm->when retrnsmt uid timeout inode"
HEADERS = (
    (b"sl local_address rem_address st " + _INET + b" ref", ("udp", "udplite", "raw", "icmp")),
    (
        b"sl local_address remote_address st " + _INET + b" ref",
        ("udp6", "udplite6", "raw6", "icmp6"),
    ),
    (b"sl local_address rem_address st " + _INET, ("tcp",)),
    (b"sl local_address remote_address st " + _INET, ("tcp6",)),
    (b"Num RefCount Protocol Flags Type St Inode Path", ("unix",)),
    (b"sk Eth Pid Groups Rmem Wmem", ("netlink",)),
    (b"sk RefCnt Type Proto Iface R Rmem User Inode", ("packet",)),
    (b"ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS", ("sctp/eps",)),
    (b"ASSOC SOCK STY SST ST HBKT ASSOC-ID", ("sctp/assocs",)),
)


def dump(
    protocol: str, netns: int, path: str = THREAD_TABLES, names: dict[int, bytes] | None = None
) -> Iterator[bytes]:
    """Return the sockets of the calling thread's namespace as chunks of RECORD[n].

    The tables are opened now and stay with the namespace, so any thread may walk the chunks.
    `protocol` is a key of TABLES. For `unix`, `names` receives inode -> path (an abstract name
    starts with NUL); an '@' inside may be a NUL byte, the table doesn't tell them apart.

    Raises:
        NotAvailable: the kernel has no such table.
        NotPermitted: the table may not be read.
        BadInput: the table isn't what the kernel writes (while the chunks are walked).
    """
    tables = [(kind, _open_table(f"{path}/{kind}", protocol)) for kind in TABLES[protocol]]
    return _read_tables(tables, netns, names)


def _read_tables(
    tables: list[tuple[str, BinaryIO]], netns: int, names: dict[int, bytes] | None
) -> Iterator[bytes]:
    for kind, table in tables:
        with table:
            parse = _parser(kind, netns, names)
            table.readline()
            for block in _blocks(table, kind):
                if rows := parse(block):
                    yield rows


def parse_proc_net(
    text: bytes, kind: str, netns: int = 0, names: dict[int, bytes] | None = None
) -> bytes:
    """Return the rows (RECORD[n]) of one table's text, which starts with its header line.

    Raises:
        BadInput: a line isn't a row of that table.
    """
    if kind not in _kinds(text):
        raise BadInput(f"the text doesn't begin with the header line of /proc/net/{kind}")
    return _parser(kind, netns, names)(text.partition(b"\n")[2])


def guess_kind(text: bytes) -> str | None:
    """Return which table of /proc/net the text is, by its header line; None: none of them."""
    kinds = _kinds(text)
    return kinds[0] if kinds else None


def _kinds(text: bytes) -> tuple[str, ...]:
    """Return the tables that begin with the text's first line."""
    header = b" ".join(text[:400].partition(b"\n")[0].split())
    return next((kinds for start, kinds in HEADERS if header.startswith(start)), ())


def _parser(kind: str, netns: int, names: dict[int, bytes] | None) -> Callable[[bytes], bytes]:
    """Bind the parser of a table's rows to what is the same for all of its rows."""
    if kind in INET_KINDS:
        return lambda text: parse_inet(text, kind, netns)
    if kind == "unix":
        return lambda text: parse_unix(text, netns, {} if names is None else names)
    parse = {
        "netlink": parse_netlink,
        "packet": parse_packet,
        "sctp/eps": parse_endpoints,
        "sctp/assocs": parse_associations,
    }[kind]
    return lambda text: parse(text, netns)


def _blocks(table: BinaryIO, kind: str) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines; unix in one piece: its names may hold newlines."""
    if kind == "unix":
        yield table.read()
        return
    rest = b""
    while block := table.read(BLOCK_BYTES):
        block = rest + block
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        yield block[:end]
    yield rest


def _open_table(path: str, protocol: str) -> BinaryIO:
    try:
        return open(path, "rb", buffering=BLOCK_BYTES)
    except FileNotFoundError:
        what = SUPPORT[protocol.removesuffix("6")] + (" over IPv6" if protocol[-1] == "6" else "")
        raise NotAvailable(f"there is no {path}: no {what} in this kernel, or no /proc") from None
    except PermissionError as err:
        raise NotPermitted(f"{path} can't be read: {err.strerror}") from None
    except OSError as err:
        raise NotAvailable(f"{path} can't be read: {err.strerror}") from None
