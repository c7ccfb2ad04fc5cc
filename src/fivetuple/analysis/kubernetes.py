"""Which Kubernetes service a NAT rule is of, by what kube-proxy writes beside it.

In iptables mode the comment of the rules is `NAMESPACE/NAME:PORT`, in chains named KUBE-...; in
nftables mode the chains themselves are named `service-HASH-NAMESPACE/NAME/tcp/PORT` (pkg/proxy/iptables
and pkg/proxy/nftables of Kubernetes).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.firewall_form import Rule

NFT_CHAINS = ("service-", "endpoint-", "external-")
IPTABLES_CHAINS = "KUBE-"


def service_of(rule: Rule) -> str | None:
    """Return `NAMESPACE/NAME:PORT` of the service, None when the rule is no rule of kube-proxy."""
    for chain in reversed(rule.chains):
        if chain.startswith(NFT_CHAINS) and (found := _of_nft_chain(chain)):
            return found
    if any(chain.startswith(IPTABLES_CHAINS) for chain in rule.chains):
        return _of_comment(rule.step.text)
    return None


def _of_nft_chain(name: str) -> str | None:
    """Read `service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp` and `endpoint-...__10.0.0.1/53`."""
    told = name.partition("-")[2].partition("-")[2].partition("__")[0]
    parts = told.split("/")
    if len(parts) < 3 or not parts[0]:
        return None
    port = parts[3] if len(parts) > 3 and parts[3] else ""
    return f"{parts[0]}/{parts[1]}" + (f":{port}" if port else "")


def _of_comment(text: str) -> str | None:
    """Read the comment of a line of iptables-save: `--comment "default/web:http"`."""
    _, found, rest = text.partition("--comment ")
    if not found:
        return None
    comment = rest[1:].partition('"')[0] if rest[:1] == '"' else rest.partition(" ")[0]
    name = comment.partition(" ")[0]
    return name if "/" in name else None
