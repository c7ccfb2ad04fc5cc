"""Facts: what a reader gives, and what a view or a rule needs. One bit each, combined with `|`.

A Snapshot's `missing` maps a fact that was asked for and could not be had to the reason.
Plain ints: this file is imported on the way of `ft ls`, where `import enum` would be a cost.
"""

from __future__ import annotations

SOCKETS = 1 << 0  # TCP, UDP and their kin: every road gives these
OWNERS = 1 << 1  # which process holds a socket
PROCESS_NAMES = 1 << 2  # what those processes are called
PROCESSES = 1 << 3  # their command line, user, start, parents, cgroup
CONTAINERS = 1 << 4  # name and image of containers, from the engine's socket
TCP_INFO = 1 << 5  # rtt, cwnd, retransmits, byte counts
BACKLOG = 1 << 6  # limit of accept queues
BOUND_INACTIVE = 1 << 7  # TCP sockets that are bound and neither listen nor connect
TIMERS = 1 << 8  # the running timer and when it fires
UNIX = 1 << 9
NETLINK = 1 << 10
PACKET = 1 << 11
VSOCK = 1 << 12
RAW = 1 << 13
OTHER_NAMESPACES = 1 << 14  # sockets outside our own network namespace
NAMESPACES = 1 << 15  # names, sysctls, addresses of the namespaces
FIREWALL = 1 << 16  # nft and iptables rules
USERS = 1 << 17  # names of user ids
OPTIONS = 1 << 18  # socket options
ROUTES = 1 << 19
COUNTERS = 1 << 20
CHURN = 1 << 21  # sockets opened while we read: their owners could not be told
FORWARDS = 1 << 22  # conntrack, container port maps: what is forwarded to where
BPF = 1 << 23  # the fastest road; without it the answer is the same and takes longer

NAMES = {
    SOCKETS: "sockets",
    OWNERS: "owners",
    PROCESS_NAMES: "process names",
    PROCESSES: "processes",
    CONTAINERS: "container names",
    TCP_INFO: "TCP details",
    BACKLOG: "backlog limits",
    BOUND_INACTIVE: "bound but inactive TCP sockets",
    TIMERS: "timers",
    UNIX: "unix sockets",
    NETLINK: "netlink sockets",
    PACKET: "packet sockets",
    VSOCK: "vsock sockets",
    RAW: "raw sockets",
    OTHER_NAMESPACES: "other network namespaces",
    NAMESPACES: "namespace settings",
    FIREWALL: "firewall rules",
    USERS: "user names",
    OPTIONS: "socket options",
    ROUTES: "routes",
    COUNTERS: "counters",
    CHURN: "owners of sockets opened meanwhile",
    FORWARDS: "forwards",
    BPF: "the BPF road",
}


def names(facts: int) -> list[str]:
    """Name every fact in the set, in the order of the bits."""
    return [name for bit, name in NAMES.items() if facts & bit]
