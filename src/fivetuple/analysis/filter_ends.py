"""Writing the tests of ports and hosts: one side or either, ranges, prefixes, other families.

Ports and addresses are compared as the kernel holds them, as ss does: 0 is a port, and the
remote address of a socket without peer is 0.0.0.0 or [::]. Only the field `port` leaves out 0.
An address in IPv4's notation is also found in IPv6 sockets, v4-mapped; one in IPv6's notation
only in IPv6 sockets (net/ipv4/inet_diag.c inet_diag_bc_run()).
"""

from __future__ import annotations

from fivetuple.analysis.filter_hosts import high_address
from fivetuple.analysis.filter_plan import either
from fivetuple.analysis.filter_ports import ANY_LARGE_PORT, ANY_PORT
from fivetuple.analysis.filter_tree import Ports, Test
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK

LARGE = frozenset((AF_NETLINK, AF_VSOCK))  # their ports have 32 bits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.filter_plan import Plan
    from fivetuple.analysis.filter_tree import Host


def write_ports(plan: Plan, test: Test) -> str:
    """Write a comparison of one side's port; 0 is a port here, as it is to ss."""
    side = "local" if test.field == "local_port" else "remote"
    return either(_alternatives(plan, side, test.values, test.operator), test.operator)


def write_either_port(plan: Plan, test: Test) -> str:
    """Write a comparison of both ports; a side without port is left out."""
    parts = []
    numbers = tuple(ports for ports in test.values if ports.family not in LARGE)
    large = tuple(ports for ports in test.values if ports.family in LARGE)
    for side in ("local", "remote"):
        if numbers:
            there = either(_alternatives(plan, side, numbers, test.operator), "")
            parts.append(f"({plan.column(side + '_port')} and {there})")
        if large:
            parts += _alternatives(plan, side, large, test.operator)
    return either(parts, test.operator)


def _alternatives(plan: Plan, side: str, values: tuple[Ports, ...], operator: str) -> list[str]:
    """Write what a port may be: single numbers together, then the others one by one."""
    if operator not in ("=", "!="):
        return [_one_port(plan, side, values[0], operator)]
    singles = [ports.low for ports in values if not ports.family and ports.low == ports.high]
    parts = []
    if len(singles) > 1:
        parts.append(f"({plan.column(side + '_port')} in {plan.constant(frozenset(singles))})")
        values = tuple(ports for ports in values if ports.family or ports.low != ports.high)
    return parts + [_one_port(plan, side, ports, "=") for ports in values]


def _one_port(plan: Plan, side: str, ports: Ports, operator: str) -> str:
    """Write the comparison with one value; a port of vsock or netlink is in bytes 4 to 7 of the address."""
    if ports.family in LARGE:
        number = f"int.from_bytes({plan.column(side)}[4:8], {plan.constant('little')})"
    else:
        number = plan.column(f"{side}_port")
    if ports in (ANY_PORT, Ports(0, ANY_LARGE_PORT, ports.family)):
        compared = "True"
    elif operator == "=" and ports.low != ports.high:
        compared = f"({plan.constant(ports.low)} <= {number} <= {plan.constant(ports.high)})"
    else:
        sign = "==" if operator == "=" else operator
        compared = f"({number} {sign} {plan.constant(ports.low)})"
    return (
        f"({plan.column('family')} == {ports.family} and {compared})" if ports.family else compared
    )


def write_hosts(plan: Plan, test: Test) -> str:
    """Write a comparison of one side's address, and of its port where one is named."""
    return either([_host(plan, test.field, host) for host in test.values], test.operator)


def _host(plan: Plan, side: str, host: Host) -> str:
    if host.family == AF_UNIX:
        return _unix_host(plan, side, host)
    if host.family in (AF_PACKET, AF_NETLINK, AF_VSOCK):
        return _other_host(plan, side, host)
    parts = []
    if host.is_only or host.family == AF_INET6:
        parts.append(f"{plan.column('family')} == {host.family}")
    elif host.address is None:
        parts.append(f"{plan.column('family')} in {plan.constant((AF_INET, AF_INET6))}")
    if host.port is not None and host.port != ANY_PORT:
        parts.append(_one_port(plan, side, host.port, "="))
    if host.address is not None:
        column = plan.column(side)
        if host.bits == 128:
            parts.append(f"{column} == {plan.constant(host.address)}")
        else:
            low, high = host.address, high_address(host.address, host.bits)
            parts.append(f"{plan.constant(low)} <= {column} <= {plan.constant(high)}")
    return "(" + " and ".join(parts) + ")"


def _unix_host(plan: Plan, side: str, host: Host) -> str:
    """Match the name of a unix socket or of its peer, as ss does: without regard to case."""
    plan.column("family")
    return plan.looked_up(
        Test("unix local" if side == "local" else "unix remote", "=", (host.address,))
    )


def _other_host(plan: Plan, side: str, host: Host) -> str:
    """Match packet, netlink and vsock sockets by protocol or context, and port or interface."""
    parts = [f"{plan.column('family')} == {host.family}"]
    if host.address is not None:
        if host.family == AF_VSOCK:
            parts.append(
                f"{plan.column(side)}[:4] == {plan.constant((host.address & ANY_LARGE_PORT).to_bytes(4, 'little'))}"
            )
        else:
            parts.append(f"{plan.column('protocol_number')} == {plan.constant(host.address)}")
    if host.family == AF_PACKET and host.port is not None:
        parts.append(plan.looked_up(Test("interface", "=", (host.port,))))
    elif host.port is not None:
        parts.append(_one_port(plan, side, host.port, "="))
    return "(" + " and ".join(parts) + ")"
