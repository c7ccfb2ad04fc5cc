"""The options that every reading command takes. Parsing, help and completion follow from them."""

from __future__ import annotations

from fivetuple.model.command import Option

COLUMN_FORMATS = ("parquet", "arrow")  # written by the history extra
FORMATS = ("table", "wide", "json", "jsonl", "csv", "markdown", *COLUMN_FORMATS)
ROADS = ("bpf", "netlink", "proc", "psutil")

OUTPUT = (
    Option(("--json",), "short for -o json"),
    Option(("--output",), "table, wide, json, jsonl, csv, markdown (also -o FORMAT); wide is more columns, never cut", "choice", "FORMAT", FORMATS),
    Option(("--fields",), "only these fields, comma-separated (`ft explain columns` lists them)", "many", "F,F,..."),
    Option(("--sort",), "sort by these fields; a minus sign before one sorts downwards", "many", "F,-F,..."),
    Option(("--limit",), "at most so many rows", "int", "N"),
    Option(("-H", "--no-headers"), "no heading line"),
    Option(("-q", "--quiet"), "no notes on stderr"),
    Option(("--color",), "auto, always or never; NO_COLOR is heeded", "choice", "WHEN", ("auto", "always", "never")),
)  # fmt: skip
SOURCE = (
    Option(("-N", "--netns"), "network namespace: self, all, a NAME, or a PID that lives in it", "text", "WHICH"),
    Option(("--from",), "ask a file that `ft save` wrote, or pasted ss, netstat or lsof output; - is stdin; ssh:HOST asks there", "text", "FILE"),
    Option(("--road",), "how to ask the kernel: bpf, netlink, proc or psutil; the fastest that works if not given", "choice", "ROAD", ROADS),
    Option(("-r", "--resolve"), "look up host names (DNS); never done otherwise"),
    Option(("--strict",), "exit with 3 when permissions made the answer incomplete"),
    Option(("--watch",), "repeat every S seconds (2) until Ctrl-C, and mark what changed", "seconds", "[S]"),
)  # fmt: skip
COMMON = OUTPUT + SOURCE


def name_of(option: Option) -> str:
    """Return the name under which a Request has the option's value: `no_headers`."""
    return str(option.flags[-1].lstrip("-").replace("-", "_"))
