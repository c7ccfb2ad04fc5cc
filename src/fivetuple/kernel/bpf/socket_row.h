/* socket_row.h: the columns that a socket of any kind has, read into a row.
 *
 * The verifier knows the types of pointers that iterators and bpf_skc_to_*() give, so
 * `sk->member` is a plain load, that cannot fault. BPF_CORE_READ is a call of a helper for each
 * arrow, 30 ns; it has two uses here: casts that the verifier cannot check, and pointers inside
 * what it calls trusted (the iterators' arguments). Loading a pointer from a trusted struct makes
 * it look through the names of all the kernel's types, 0.4 ms for each such line of code
 * (kernel/bpf/btf.c btf_nested_type_is_trusted()). Pointers that came from a cast are not trusted.
 */
#pragma once
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "record.h"

/* The loader puts 1000000 / CONFIG_HZ in place of this number (bpf_load.py TICK_US_MARK): a
 * kernel's HZ is a Kconfig variable to libbpf, and that would be a map. */
#define TICK_US_MARK 0x46547573

static __always_inline __u64 tick_us(void)
{
	__u64 us;

	asm volatile("%0 = %1" : "=r"(us) : "i"(TICK_US_MARK));
	return us;
}

static __always_inline __u32 ms_of(__u32 ticks)
{
	return ticks * tick_us() / 1000;
}

/* Time until a timer fires; 0 when it is late. */
static __always_inline __u32 ms_until(unsigned long expires)
{
	__s32 ticks = (__u32)expires - (__u32)bpf_jiffies64();

	return ticks > 0 ? ms_of(ticks) : 0;
}

static __always_inline void copy_address(__u8 *to, struct in6_addr *from)
{
	__u32 *words = (__u32 *)to;

	words[0] = from->in6_u.u6_addr32[0];
	words[1] = from->in6_u.u6_addr32[1];
	words[2] = from->in6_u.u6_addr32[2];
	words[3] = from->in6_u.u6_addr32[3];
}

static __always_inline void map_address(__u8 *to, __be32 from)
{
	__u32 *words = (__u32 *)to;

	words[2] = 0xffff0000;
	words[3] = from;
}

/* What full sockets, TIME_WAIT sockets and the entries of the SYN queue have in common. */
static __always_inline void read_common(struct ft_record *row, struct sock_common *c)
{
	row->family = c->skc_family;
	row->state = c->skc_state;
	row->interface = c->skc_bound_dev_if;
	row->cookie = bpf_get_socket_cookie(c);
	row->known = FT_KNOWN_COOKIE | FT_KNOWN_INODE;
}

static __always_inline void read_ends(struct ft_record *row, struct sock_common *c)
{
	row->local_port = c->skc_num;
	row->remote_port = __builtin_bswap16(c->skc_dport);
	if (row->family == AF_INET6) {
		copy_address(row->local, &c->skc_v6_rcv_saddr);
		copy_address(row->remote, &c->skc_v6_daddr);
	} else {
		map_address(row->local, c->skc_rcv_saddr);
		map_address(row->remote, c->skc_daddr);
	}
}

/* SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY: what TIME_WAIT keeps too, for bind() to judge by. */
static __always_inline __u32 bind_options(struct sock_common *c)
{
	__u32 options = 0;

	if (BPF_CORE_READ_BITFIELD(c, skc_reuse))
		options |= FT_OPTION_REUSEADDR;
	if (BPF_CORE_READ_BITFIELD(c, skc_reuseport))
		options |= FT_OPTION_REUSEPORT;
	if (c->skc_family == AF_INET6 && BPF_CORE_READ_BITFIELD(c, skc_ipv6only))
		options |= FT_OPTION_V6ONLY;
	return options;
}

static __always_inline __u32 flag_option(__u64 flags, int bit, __u32 option)
{
	return flags >> bit & 1 ? option : 0;
}

static __always_inline __u32 options_of_flags(__u64 flags)
{
	return flag_option(flags, INET_FLAGS_RECVERR, FT_OPTION_RECVERR) |
	       flag_option(flags, INET_FLAGS_RECVERR6, FT_OPTION_RECVERR) |
	       flag_option(flags, INET_FLAGS_FREEBIND, FT_OPTION_FREEBIND) |
	       flag_option(flags, INET_FLAGS_HDRINCL, FT_OPTION_HDRINCL) |
	       flag_option(flags, INET_FLAGS_TRANSPARENT, FT_OPTION_TRANSPARENT) |
	       flag_option(flags, INET_FLAGS_BIND_ADDRESS_NO_PORT, FT_OPTION_BIND_ADDRESS_NO_PORT);
}

static __always_inline __u32 inet_options(struct inet_sock *inet)
{
	__u32 options = 0;

	if (bpf_core_field_exists(inet->inet_flags))
		return options_of_flags(inet->inet_flags);
	if (BPF_CORE_READ_BITFIELD(inet, recverr))
		options |= FT_OPTION_RECVERR;
	if (BPF_CORE_READ_BITFIELD(inet, freebind))
		options |= FT_OPTION_FREEBIND;
	if (BPF_CORE_READ_BITFIELD(inet, hdrincl))
		options |= FT_OPTION_HDRINCL;
	if (BPF_CORE_READ_BITFIELD(inet, transparent))
		options |= FT_OPTION_TRANSPARENT;
	if (BPF_CORE_READ_BITFIELD(inet, bind_address_no_port))
		options |= FT_OPTION_BIND_ADDRESS_NO_PORT;
	return options;
}

/* The inode of the socket's file system, 0 when no file holds it: net/core/sock.c sock_i_ino() */
static __always_inline __u64 inode_of(struct sock *sk)
{
	struct socket *socket;

	if (bpf_core_field_exists(sk->sk_ino))
		return sk->sk_ino;
	socket = sk->sk_socket;
	if (!socket)
		return 0;
	return BPF_CORE_READ((struct socket_alloc *)socket, vfs_inode.i_ino);
}

/* What every full socket has beyond read_common(), but for what is behind pointers. */
static __always_inline void read_sock(struct ft_record *row, struct sock *sk)
{
	struct sock_common *c = &sk->__sk_common;

	row->type = sk->sk_type;
	row->protocol_number = sk->sk_protocol;
	row->uid = sk->sk_uid.val;
	row->inode = inode_of(sk);
	row->drops = sk->sk_drops.counter;
	row->mark = sk->sk_mark;
	row->shutdown = sk->sk_shutdown;
	row->recv_buffer_bytes = sk->sk_rcvbuf;
	row->send_buffer_bytes = sk->sk_sndbuf;
	row->options = bind_options(c);
	row->options |= flag_option(c->skc_flags, SOCK_KEEPOPEN, FT_OPTION_KEEPALIVE);
	row->options |= flag_option(c->skc_flags, SOCK_BROADCAST, FT_OPTION_BROADCAST);
	row->known |= FT_KNOWN_UID | FT_KNOWN_DROPS | FT_KNOWN_MARK | FT_KNOWN_SHUTDOWN |
		      FT_KNOWN_BUFFERS | FT_KNOWN_OPTIONS;
}

/* Namespace, cgroup, and the counters that replace sk_drops: of a pointer that is not trusted. */
static __always_inline void follow_pointers(struct ft_record *row, struct sock *sk)
{
	struct numa_drop_counters *drops;
	struct cgroup *cgroup;

	row->netns = sk->__sk_common.skc_net.net->ns.inum;
	if (bpf_core_field_exists(sk->sk_drop_counters)) {
		drops = sk->sk_drop_counters;
		if (drops)
			row->drops = drops->drops0.counter + drops->drops1.counter;
	}
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		cgroup = sk->sk_cgrp_data.cgroup;
		if (cgroup)
			row->cgroup_id = cgroup->kn->id;
		row->known |= FT_KNOWN_CGROUP;
	}
}

/* The same of a trusted pointer. */
static __always_inline void follow_trusted(struct ft_record *row, struct sock *sk)
{
	struct numa_drop_counters *drops;

	row->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (bpf_core_field_exists(sk->sk_drop_counters)) {
		drops = BPF_CORE_READ(sk, sk_drop_counters);
		if (drops)
			row->drops = BPF_CORE_READ(drops, drops0.counter) +
				     BPF_CORE_READ(drops, drops1.counter);
	}
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		row->cgroup_id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
		row->known |= FT_KNOWN_CGROUP;
	}
}

/* The queues of a socket that is not TCP's: buffer memory in use, as sock_diag gives it. */
static __always_inline void read_queues(struct ft_record *row, struct sock *sk)
{
	if (row->state == TCP_LISTEN) {
		row->accept_queue = sk->sk_ack_backlog;
		row->backlog = sk->sk_max_ack_backlog;
		row->known |= FT_KNOWN_ACCEPT_QUEUE | FT_KNOWN_BACKLOG;
		return;
	}
	row->recv_queue_bytes = sk->sk_backlog.rmem_alloc.counter;
	row->send_queue_bytes = sk->sk_wmem_alloc.refs.counter - 1;
	row->known |= FT_KNOWN_QUEUES;
}
