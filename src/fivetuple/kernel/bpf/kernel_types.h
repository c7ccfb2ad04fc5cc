/* kernel_types.h: the members of kernel structs that our programs read, and nothing else.
 *
 * How to read it: order, sizes and gaps here mean nothing. `preserve_access_index` makes clang
 * note every access by name, and libbpf looks the names up in the BTF of the running kernel
 * (CO-RE), also inside anonymous structs and unions. So no BTF is needed where this is compiled.
 * A member that some kernels lack is declared too, and read only behind bpf_core_field_exists();
 * the comment says which kernels. Names and types: include/net/sock.h, inet_sock.h,
 * inet_connection_sock.h, inet_timewait_sock.h, request_sock.h, linux/tcp.h, linux/udp.h,
 * net/af_vsock.h.
 */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_VSOCK 40
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262

/* include/net/tcp_states.h */
#define TCP_SYN_RECV 3
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define TCP_BOUND_INACTIVE 13

/* include/net/sock.h enum sock_flags */
#define SOCK_KEEPOPEN 3
#define SOCK_BROADCAST 6

/* include/net/inet_sock.h: bits of inet_flags, unchanged since they came in 6.6 */
#define INET_FLAGS_RECVERR 9
#define INET_FLAGS_FREEBIND 11
#define INET_FLAGS_HDRINCL 12
#define INET_FLAGS_TRANSPARENT 15
#define INET_FLAGS_BIND_ADDRESS_NO_PORT 18
#define INET_FLAGS_RECVERR6 26

/* include/net/inet_connection_sock.h: values of icsk_pending */
#define ICSK_TIME_RETRANS 1
#define ICSK_TIME_PROBE0 3
#define ICSK_TIME_EARLY_RETRANS 4
#define ICSK_TIME_LOSS_PROBE 5
#define ICSK_TIME_REO_TIMEOUT 6

/* include/linux/tcp.h enum tcp_chrono */
#define TCP_CHRONO_BUSY 1
#define TCP_CHRONO_RWND_LIMITED 2
#define TCP_CHRONO_SNDBUF_LIMITED 3

#define PIDTYPE_TGID 1 /* include/linux/pid_types.h */
#define TCP_NAGLE_OFF 1
#define VMADDR_CID_ANY 0xffffffffu

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { int counter; } atomic_t;
typedef struct { __s64 counter; } atomic64_t;
typedef struct { atomic_t refs; } refcount_t;
typedef struct { __u32 val; } kuid_t;

struct ns_common { unsigned int inum; };
struct net { struct ns_common ns; };
typedef struct { struct net *net; } possible_net_t;

struct hlist_node { struct hlist_node **pprev; };
struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
};

struct inode { unsigned long i_ino; };
struct file { struct inode *f_inode; };

struct upid { int nr; };
struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them: the number in each pid namespace */
};
struct signal_struct { struct pid *pids[4]; };
struct task_struct {
	int tgid;
	struct pid *thread_pid;
	struct signal_struct *signal;
};

struct kernfs_node { __u64 id; };
struct cgroup { struct kernfs_node *kn; };
struct sock_cgroup_data { struct cgroup *cgroup; }; /* a packed u64 before 5.15 */

struct in6_addr {
	union { __be32 u6_addr32[4]; } in6_u;
};

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4, skc_reuseport : 1, skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

struct sock;
struct socket { struct sock *sk; };
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct numa_drop_counters { atomic_t drops0, drops1; };

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	struct { atomic_t rmem_alloc; } sk_backlog;
	int sk_rcvbuf, sk_sndbuf;
	struct socket *sk_socket;
	refcount_t sk_wmem_alloc;
	kuid_t sk_uid;
	__u16 sk_protocol, sk_type;
	__u32 sk_ack_backlog, sk_max_ack_backlog, sk_mark;
	__u8 sk_shutdown;
	struct sock_cgroup_data sk_cgrp_data;
	struct timer_list sk_timer; /* 7.0 has icsk_keepalive_timer and tcp_retransmit_timer */
	struct timer_list tcp_retransmit_timer;
	unsigned long sk_ino; /* 6.18: no way over sk_socket */
	struct numa_drop_counters *sk_drop_counters; /* 6.18: what UDP and raw count in */
};

struct inet_sock {
	struct sock sk;
	unsigned long inet_flags; /* 6.6; before, the bits that follow */
	__u8 recverr : 1, freebind : 1, hdrincl : 1, transparent : 1, bind_address_no_port : 1;
};

struct request_sock_queue { __u8 rskq_defer_accept; };
struct tcp_congestion_ops { char name[16]; };

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	unsigned long icsk_timeout; /* gone in 6.18: the timer's own `expires` */
	struct timer_list icsk_retransmit_timer;
	struct timer_list icsk_keepalive_timer;
	__u32 icsk_rto, icsk_pmtu_cookie;
	const struct tcp_congestion_ops *icsk_ca_ops;
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits, icsk_pending, icsk_backoff, icsk_probes_out;
	struct { __u32 lrcvtime; } icsk_ack;
};

struct tcp_options_received {
	__u16 wscale_ok : 1, snd_wscale : 4, rcv_wscale : 4;
};
struct minmax_sample { __u32 v; };
struct minmax { struct minmax_sample s[3]; };

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq, rcv_nxt, write_seq, snd_nxt, snd_una;
	__u32 snd_wnd, rcv_wnd, mss_cache, snd_cwnd, snd_ssthresh;
	__u32 srtt_us, mdev_us;
	struct minmax rtt_min;
	__u32 packets_out, lost_out, retrans_out, total_retrans, rcv_ooopack;
	__u32 lsndtime, rcv_tstamp;
	__u32 rate_delivered, rate_interval_us;
	__u32 chrono_start, chrono_stat[3];
	__u8 chrono_type; /* two bits before 6.9 */
	__u8 nonagle : 4;
	__u32 segs_out, segs_in;
	__u64 bytes_sent, bytes_acked, bytes_received, bytes_retrans;
	struct tcp_options_received rx_opt;
	bool is_mptcp; /* CONFIG_MPTCP */
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	__u32 tw_mark;
	unsigned char tw_substate;
	unsigned int tw_transparent : 1;
	struct timer_list tw_timer;
};
struct tcp_timewait_sock { struct inet_timewait_sock tw_sk; };

struct request_sock {
	struct sock_common __req_common;
	__u8 num_retrans;
	struct timer_list rsk_timer;
};
struct inet_request_sock {
	struct request_sock req;
	__u32 ir_mark;
};
struct tcp_request_sock { struct inet_request_sock req; };

struct udp_sock {
	struct inet_sock inet;
	int forward_deficit;
};

struct sockaddr_vm { unsigned int svm_port, svm_cid; };
struct vsock_sock { struct sockaddr_vm local_addr, remote_addr; };

/* What an iterator hands to its program: kernel/bpf/task_iter.c, net/ipv4/tcp_ipv4.c, udp.c */
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};
struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
};

#pragma clang attribute pop
