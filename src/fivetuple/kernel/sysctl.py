"""Sysctls: the settings of the kernel's network code, as text, by their dotted names.

/proc/sys/net shows the namespace of the thread that reads it (net/sysctl_net.c
net_ctl_header_lookup()), so `network()` is called by a thread inside. What the host has once for
all (tcp_mem, tcp_max_orphans) is seen in its own namespace only; what this kernel doesn't know
is left out too: absent, never 0.
Meanings: Documentation/networking/ip-sysctl.rst, Documentation/admin-guide/sysctl/net.rst.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_IPV4 = (
    "ip_local_port_range ip_local_reserved_ports ip_unprivileged_port_start ip_nonlocal_bind "
    "ip_autobind_reuse ip_forward ip_default_ttl ip_no_pmtu_disc ping_group_range "
    "tcp_max_syn_backlog tcp_syncookies tcp_fin_timeout tcp_tw_reuse tcp_tw_reuse_delay "
    "tcp_max_tw_buckets tcp_syn_retries tcp_syn_linear_timeouts tcp_synack_retries tcp_retries1 "
    "tcp_retries2 tcp_orphan_retries tcp_max_orphans tcp_rto_max_ms tcp_rto_min_us "
    "tcp_keepalive_time tcp_keepalive_intvl tcp_keepalive_probes tcp_timestamps tcp_sack "
    "tcp_window_scaling tcp_rfc1337 tcp_abort_on_overflow tcp_rmem tcp_wmem tcp_mem udp_mem "
    "tcp_moderate_rcvbuf tcp_notsent_lowat tcp_congestion_control tcp_mtu_probing tcp_ecn "
    "tcp_slow_start_after_idle tcp_migrate_req tcp_fastopen udp_early_demux "
    "conf.all.rp_filter conf.default.rp_filter conf.all.route_localnet conf.all.forwarding "
    "conf.all.arp_ignore"
)
_IPV6 = "bindv6only ip_nonlocal_bind conf.all.disable_ipv6 conf.all.forwarding conf.lo.disable_ipv6"
_CORE = (
    "somaxconn rmem_max wmem_max rmem_default wmem_default netdev_max_backlog optmem_max busy_poll"
)
_CONNTRACK = (
    "nf_conntrack_max nf_conntrack_count nf_conntrack_buckets nf_conntrack_tcp_timeout_established "
    "nf_conntrack_tcp_timeout_time_wait nf_conntrack_tcp_timeout_close_wait "
    "nf_conntrack_udp_timeout nf_conntrack_udp_timeout_stream nf_conntrack_tcp_be_liberal"
)

# What rules and views read of a namespace.
NETWORK = (
    *(f"net.ipv4.{name}" for name in _IPV4.split()),
    *(f"net.ipv6.{name}" for name in _IPV6.split()),
    *(f"net.core.{name}" for name in _CORE.split()),
    *(f"net.netfilter.{name}" for name in _CONNTRACK.split()),
    "net.unix.max_dgram_qlen",
)

# What rules and views read of the whole host.
HOST = (
    "fs.file-max",
    "fs.file-nr",
    "fs.nr_open",
    "kernel.pid_max",
    "kernel.unprivileged_bpf_disabled",
)


def read(names: Iterable[str], root: str = "/proc/sys") -> dict[str, str]:
    """Return the values that there are, without the newline; the numbers of a range with a tab.

    A name is dotted; a dot inside an interface's name is written as `/`, as sysctl(8) has it.
    """
    values = {}
    for name in names:
        try:
            with open(
                f"{root}/{name.translate(_TO_PATH)}", encoding="utf-8", errors="backslashreplace"
            ) as file:
                values[name] = file.read().rstrip("\n")
        except OSError:  # not in this kernel, not in this namespace, or write-only
            continue
    return values


def network(root: str = "/proc/sys") -> dict[str, str]:
    """Return the network settings of the calling thread's namespace."""
    return read(NETWORK, root)


_TO_PATH = str.maketrans("./", "/.")
