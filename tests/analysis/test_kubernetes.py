"""Names of Kubernetes services out of kube-proxy's rules."""

from __future__ import annotations

import pytest

from fivetuple.analysis.firewall_form import BaseChain, Rule, Step
from fivetuple.analysis.kubernetes import service_of

BASE = BaseChain("ip", "nat", "PREROUTING", "nat", "prerouting", -100, "accept", "iptables")


@pytest.mark.parametrize(
    ("chains", "text", "service"),
    [
        (("KUBE-SEP-A",), '-A KUBE-SEP-A -p tcp -m comment --comment "default/web:http" -j DNAT', "default/web:http"),
        (("KUBE-SEP-A",), "-A KUBE-SEP-A -m comment --comment default/web -j DNAT", "default/web"),
        (("KUBE-SVC-A",), '-A KUBE-SVC-A -m comment --comment "default/web:http cluster IP" -j DNAT', "default/web:http"),
        (("KUBE-MARK",), "-A KUBE-MARK -j MARK", None),
        (("DOCKER",), '-A DOCKER -m comment --comment "default/web" -j DNAT', None),
        (("service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp",), "nft", "kube-system/kube-dns:dns-tcp"),
        (("service-X-a/b/tcp/", "endpoint-Y-a/b/tcp/__10.0.0.1/53"), "nft", "a/b"),
        (("service-strange",), "nft", None),
    ],
)  # fmt: skip
def test_the_service_is_read_from_comments_and_chain_names(chains, text, service):
    assert (
        service_of(Rule(BASE, ("PREROUTING", *chains), (), Step((), "dnat", text=text))) == service
    )
