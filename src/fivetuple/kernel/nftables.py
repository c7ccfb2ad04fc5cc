"""The firewall's rules of the calling thread's network namespace, as their own tools tell them.

Three sets of rules can be in force at once:
- nf_tables, as JSON from `nft -j list ruleset` (libnftables-json(5)), or from libnftables.so.1
  itself where there is no nft;
- of those, tables written by iptables-nft hold `xt` expressions whose contents nft does not tell:
  they come from iptables-nft-save as well;
- legacy iptables: iptables-legacy-save, asked only when the kernel has such tables
  (/proc/net/ip_tables_names), because asking would load the module.

Nothing is interpreted here: `analysis/firewall.py` does that, of today's rules or of recorded ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess

from fivetuple.kernel.support import missing_for
from fivetuple.model.errors import NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    Plain = dict[str, Any]

TIMEOUT_S = 20  # 100,000 rules take nft some seconds
SYSTEM_PATH = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"))
NFT_CTX_OUTPUT_JSON = 1 << 4  # nftables/libnftables.h

# nft's name of the family -> iptables' tools (those of nf_tables, those of old) and the list of
# legacy tables
FAMILIES = {
    "ip": (("iptables-nft-save", "iptables-save"), ("iptables-legacy-save", "iptables-save"), "ip_tables_names"),
    "ip6": (("ip6tables-nft-save", "ip6tables-save"), ("ip6tables-legacy-save", "ip6tables-save"), "ip6_tables_names"),
}  # fmt: skip


def read_firewall() -> Plain:
    """Return the rules as plain data.

    Returns:
        `nft`: the objects of nft's JSON; `iptables` and `legacy`: family -> text of
        iptables-save; `problems`: sentences about what could not be read.

    Raises:
        NotPermitted: this takes CAP_NET_ADMIN.
        NotAvailable: no tool that reads nf_tables works here.
    """
    lacking = missing_for("firewall")
    if lacking:
        raise NotPermitted(f"firewall rules can't be read: {lacking}")
    problems: list[str] = []
    objects = _nft_objects()
    hidden = sorted(set(_families_of_iptables(objects)))
    return {
        "nft": objects,
        "iptables": _saved({family: FAMILIES[family][0] for family in hidden}, problems),
        "legacy": _saved({family: FAMILIES[family][1] for family in _legacy_families()}, problems),
        "problems": problems,
    }


def _nft_objects() -> list[Plain]:
    """Return the objects of the ruleset: tables, chains, rules, sets and maps."""
    nft = shutil.which("nft", path=SYSTEM_PATH)
    text = _run([nft, "-j", "list", "ruleset"]) if nft else _ask_library("list ruleset")
    try:
        objects = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError):
        raise NotAvailable("nft gave no JSON: it was built without it") from None
    if not isinstance(objects, list):
        raise NotAvailable("nft gave JSON that holds no list of rules")
    return [each for each in objects if isinstance(each, dict)]


def _families_of_iptables(objects: Sequence[Plain]) -> Iterator[str]:
    """Yield the families in which a rule has contents that nft does not tell."""
    for each in objects:
        rule = each.get("rule", {})
        if rule.get("family") in FAMILIES and any("xt" in part for part in rule.get("expr", ())):
            yield rule["family"]


def _legacy_families() -> list[str]:
    """Return the families in which the kernel has tables of legacy iptables."""
    return [
        family
        for family, (_, _, names) in FAMILIES.items()
        if _has_content(f"/proc/thread-self/net/{names}")
    ]


def _has_content(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return bool(file.read().strip())
    except OSError:  # the module isn't loaded: no such tables
        return False


def _saved(tools: dict[str, tuple[str, ...]], problems: list[str]) -> dict[str, str]:
    """Return family -> what its iptables-save prints, with counters."""
    texts = {}
    for family, names in tools.items():
        tool = next(filter(None, (shutil.which(name, path=SYSTEM_PATH) for name in names)), None)
        if tool is None:
            problems.append(
                f"rules of iptables ({family}) can't be read: {names[0]} is not installed"
            )
            continue
        try:
            texts[family] = _run([tool, "-c"])
        except NotAvailable as err:
            problems.append(str(err))
    return texts


def _run(argv: Sequence[str]) -> str:
    """Return what the tool prints; the thread's namespace is the child's."""
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise NotAvailable(f"firewall rules can't be read: {err}") from err
    if done.returncode != 0:
        complaint = done.stderr.decode("utf-8", "backslashreplace").strip().partition("\n")[0]
        raise NotAvailable(f"firewall rules can't be read: {' '.join(argv)} said '{complaint}'")
    return done.stdout.decode("utf-8", "backslashreplace")


def _ask_library(command: str) -> str:
    """Run a command of nft in libnftables (libnftables(3)) and return its JSON."""
    import ctypes

    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        raise NotAvailable(
            "firewall rules can't be read: neither nft nor libnftables.so.1 is installed"
        ) from None
    library.nft_ctx_new.restype = ctypes.c_void_p
    for output in (library.nft_ctx_get_output_buffer, library.nft_ctx_get_error_buffer):
        output.restype = ctypes.c_char_p
    context = ctypes.c_void_p(library.nft_ctx_new(0))
    try:
        library.nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_JSON)
        library.nft_ctx_buffer_output(context)
        library.nft_ctx_buffer_error(context)
        if library.nft_run_cmd_from_buffer(context, command.encode()) != 0:
            complaint = (library.nft_ctx_get_error_buffer(context) or b"").decode(
                "utf-8", "backslashreplace"
            )
            raise NotAvailable(
                f"firewall rules can't be read: libnftables said '{complaint.strip()}'"
            )
        text: bytes = library.nft_ctx_get_output_buffer(context) or b""
        return text.decode("utf-8", "backslashreplace")
    finally:
        library.nft_ctx_free(context)
