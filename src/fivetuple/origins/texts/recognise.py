"""What a file holds: a snapshot of ours, the text of a known tool, or something else that has a name.

How to read FOREIGN: first bytes, what it is, what to do instead.
"""

from __future__ import annotations

from fivetuple.model import archive
from fivetuple.model.errors import BadInput
from fivetuple.model.text import printable
from fivetuple.origins.texts import lsof, netstat, netstat_bsd, netstat_windows, proc_net, ss
from fivetuple.origins.texts.collector import LONGEST_ROW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fivetuple.model.snapshot import Snapshot

FOREIGN = (
    (b"\x1f\x8b", "compressed by gzip", "unpack it: zcat FILE | ft --from - ..."),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it: xzcat FILE | ft --from - ..."),
    (b"(\xb5/\xfd", "compressed by zstd", "unpack it: zstdcat FILE | ft --from - ..."),
    (b"BZh", "compressed by bzip2", "unpack it: bzcat FILE | ft --from - ..."),
    (b"PK\3\4", "a zip archive", "unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "it holds packets, not sockets"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", "it holds packets, not sockets"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture", "it holds packets, not sockets"),
    (b"\n\r\r\n", "a packet capture", "it holds packets, not sockets"),
    (b"PAR1", "a Parquet file", "it is part of a recording: use --at"),
    (b"\x7fELF", "a program", "it holds no sockets"),
    (b"SQLite format 3", "a SQLite database", "it holds no sockets"),
    (b"{", "JSON", "save with `ft save FILE` instead of --json"),
    (b"[", "JSON", "save with `ft save FILE` instead of --json"),
    (b"<", "HTML or XML", "copy the text itself"),
    (b"%PDF", "a PDF", "copy the text itself"),
)
READABLE = "a file of `ft save`, or the text of `ss -tanpemoi`, `netstat -tanp`, `lsof -nP -i`, /proc/net/tcp"
BY_ROW: tuple[tuple[Callable[[str], bool], Callable[[str, int], Snapshot]], ...] = (
    (netstat_windows.is_row, netstat_windows.parse),
    (netstat.is_row, netstat.parse),
    (netstat_bsd.is_row, netstat_bsd.parse),
    (lsof.is_row, lsof.parse),
)
LOOKED_AT_LINES = 60
SHOWN_BYTES = 60


def read_bytes(data: bytes, taken_ns: int, file_name: str = "") -> Snapshot:
    """Return the Snapshot that a file holds, whatever it is; a text was taken at `taken_ns`.

    Raises:
        BadInput: it is empty, damaged, or nothing that we can read; the message says what it is.
    """
    if data[: len(archive.MAGIC)] == archive.MAGIC:
        return archive.loads(data)
    if data[:1] == archive.MAGIC[:1] and data[:3] == archive.MAGIC[:3]:
        raise BadInput(
            "a snapshot of ft that was changed on its way: copy it as binary, not as text"
        )
    data = _in_utf8(data).replace(b"\r\n", b"\n")
    stripped = data.lstrip()
    if not stripped:
        raise BadInput(f"it is empty; what can be read is {READABLE}")
    _refuse_foreign(stripped)
    if proc_net.is_table(stripped) or proc_net.is_table(data):
        return proc_net.parse(data, taken_ns, file_name)
    text = data.decode("utf-8", "surrogateescape")
    parse = _parser_of(text)
    if parse is None:
        first = printable(
            stripped[:SHOWN_BYTES].partition(b"\n")[0].decode("utf-8", "backslashreplace")
        )
        raise BadInput(
            f"it begins with '{first}', which is the output of no tool that ft knows; what can be read is {READABLE}"
        )
    return parse(text, taken_ns)


def _in_utf8(data: bytes) -> bytes:
    """Return the text in UTF-8: PowerShell writes UTF-16, editors on Windows a byte order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8", "surrogateescape")
    return data.removeprefix(b"\xef\xbb\xbf")


def _refuse_foreign(data: bytes) -> None:
    for start, what, instead in FOREIGN:
        if data.startswith(start):
            raise BadInput(f"it is {what}; {instead}")
    if b"\0" in data[:4096]:
        raise BadInput(f"it is binary, and no snapshot of ft; what can be read is {READABLE}")


def _parser_of(text: str) -> Callable[[str, int], Snapshot] | None:
    """Find the tool by the first header or row among the first lines."""
    lines = text[: LOOKED_AT_LINES * 1024].split("\n")[:LOOKED_AT_LINES]
    for line in lines:
        if ss.is_header(line):
            return ss.parse
        if lsof.is_header(line):
            return lsof.parse
        if line.startswith(("Active Internet", "Active UNIX", "Proto ")):
            return _netstat(lines)
    for line in lines:
        for is_row, parse in BY_ROW:
            if len(line) <= LONGEST_ROW and is_row(line.rstrip()):
                return parse
        if ss.is_row(line.split()):
            return ss.parse
    return None


def _netstat(lines: list[str]) -> Callable[[str, int], Snapshot]:
    """Tell Linux's netstat from a BSD's: a colon or a dot before the port."""
    for line in lines:
        if netstat_bsd.is_row(line.rstrip()):
            return netstat_bsd.parse
        if netstat.is_row(line.rstrip()):
            return netstat.parse
    return netstat.parse
