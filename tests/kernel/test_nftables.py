"""Reading the firewall: real rules of nft, iptables-nft and legacy iptables in a namespace."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.namespaces import NOBODY, in_namespace, namespace

from fivetuple.analysis.firewall import rewrites, ruleset
from fivetuple.kernel import netns, nftables
from fivetuple.model.errors import NotPermitted

pytestmark = pytest.mark.kernel

NAT = """
table ip nat {
  chain pre {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "eth0" tcp dport 443 counter dnat to 10.0.0.1:8443
  }
}
"""


def _run(*argv: str, text: str | None = None) -> str:
    if shutil.which(argv[0], path=nftables.SYSTEM_PATH) is None:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip()
        if "not supported" in reason or "No such file" in reason or "can't initialize" in reason:
            pytest.skip(f"kernel lacks what {argv[0]} needs: {reason}")
        raise AssertionError(reason)
    return done.stdout


def _rewrites(firewall: dict[str, Any]) -> list[tuple[str, str | None, tuple[int, int] | None]]:
    return [
        (rule.base.source, rule.step.address, rule.step.ports)
        for rule in rewrites(ruleset(firewall))
    ]


def _with(*commands: tuple[str, ...], text: str | None = None) -> dict[str, Any]:
    for command in commands:
        _run(*command, text=text)
    return nftables.read_firewall()


def test_rules_of_nft_are_read():
    with namespace() as name:
        firewall = in_namespace(name, _nft_rules)

    assert _rewrites(firewall) == [("nft", "10.0.0.1", (8443, 8443))]
    assert firewall["problems"] == []


def _nft_rules() -> dict[str, Any]:
    return _with(("nft", "-f", "-"), text=NAT)


def test_rules_of_iptables_nft_are_read_whole_and_once():
    with namespace() as name:
        firewall = in_namespace(
            name,
            _with,
            (
                "iptables-nft",
                "-t",
                "nat",
                "-A",
                "PREROUTING",
                "-p",
                "tcp",
                "--dport",
                "80",
                "-j",
                "DNAT",
                "--to-destination",
                "10.0.0.1:8080",
            ),
            ("iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", "80", "-j", "DROP"),
        )
        rules = list(ruleset(firewall).rules())

    assert _rewrites(firewall) == [("iptables", "10.0.0.1", (8080, 8080))]
    assert [(rule.base.hook, rule.step.verdict) for rule in rules] == [
        ("input", "drop"),
        ("prerouting", "dnat"),
    ]
    assert all(rule.is_understood for rule in rules)


def test_rules_of_legacy_iptables_are_read():
    with namespace() as name:
        firewall = in_namespace(
            name,
            _with,
            (
                "iptables-legacy",
                "-t",
                "nat",
                "-A",
                "OUTPUT",
                "-p",
                "tcp",
                "-d",
                "10.9.9.9",
                "-j",
                "REDIRECT",
                "--to-ports",
                "15001",
            ),
        )

    assert _rewrites(firewall) == [("legacy", None, (15001, 15001))]


def _twice() -> tuple[str, str, list[bool]]:
    _run("nft", "-f", "-", text=NAT)
    before = _run("nft", "list", "ruleset")
    nftables.read_firewall()
    loaded = [Path(f"/proc/net/{names}").exists() for *_, names in nftables.FAMILIES.values()]
    return before, _run("nft", "list", "ruleset"), loaded


def test_reading_changes_nothing():
    loaded_before = [
        Path(f"/proc/net/{names}").exists() for *_, names in nftables.FAMILIES.values()
    ]

    with namespace() as name:
        before, after, loaded = in_namespace(name, _twice)

    assert before == after
    assert loaded == loaded_before


def _by_library() -> tuple[object, object]:
    _run("nft", "-f", "-", text=NAT)
    by_nft = nftables.read_firewall()["nft"]
    nftables.SYSTEM_PATH = "/nowhere"
    return by_nft, nftables.read_firewall()["nft"]


def test_library_stands_in_for_the_missing_tool():
    with namespace() as name:
        by_nft, by_library = in_namespace(name, _by_library)

    assert by_nft == by_library


def test_unprivileged_user_is_told_what_it_takes():
    with namespace() as name, pytest.raises(NotPermitted, match="CAP_NET_ADMIN: run `sudo ft`"):
        in_namespace(name, nftables.read_firewall, uid=NOBODY)


def test_each_namespace_has_its_own_rules():
    with namespace() as one, namespace() as two:
        in_namespace(one, _nft_rules)
        spaces = {each.name: each for each in netns.find() if each.name in (one, two)}

        reasons = netns.describe(spaces.values(), interfaces=False, sysctls=False, firewall=True)

        assert reasons == {}
        assert len(_rewrites(spaces[one].firewall)) == 1  # type: ignore[arg-type]  # plain data
        assert _rewrites(spaces[two].firewall) == []  # type: ignore[arg-type]
