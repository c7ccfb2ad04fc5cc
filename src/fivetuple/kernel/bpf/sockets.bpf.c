/* sockets.bpf.c: iterators that write sockets as rows; `owners` writes who holds them.
 *
 * No program has a map, so instructions once relocated for a kernel can be loaded again as they
 * are (bpf_load.py). Linux 5.12 is the oldest that has all helpers used here.
 *
 * iter/tcp and iter/udp show the network namespace of the thread that opens them; iter/task_file
 * shows the processes of the opener's pid namespace, whatever their network namespace, one
 * call a descriptor; threads that share a descriptor table are visited once.
 */
#include "tcp_row.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define INLINE static __always_inline

INLINE void write_row(struct bpf_iter_meta *meta, struct ft_record *row)
{
	bpf_seq_write(meta->seq, row, sizeof(*row));
}

/* The closing row. seq_num counts from 0 and is 0 also when there was nothing: the reader, who
 * knows whether rows came, makes a count of it. */
INLINE int write_trailer(struct bpf_iter_meta *meta, struct ft_record *row)
{
	row->kind = FT_TRAILER;
	row->inode = meta->seq_num;
	write_row(meta, row);
	return 0;
}

INLINE void read_tcp(struct ft_record *row, struct tcp_sock *tcp)
{
	struct sock *sk = &tcp->inet_conn.icsk_inet.sk;

	read_sock(row, sk);
	follow_pointers(row, sk);
	read_tcp_queues(row, tcp);
	read_tcp_options(row, tcp);
	read_tcp_timer(row, &tcp->inet_conn);
}

INLINE int write_tcp(struct bpf_iter__tcp *ctx, bool has_info)
{
	struct sock_common *c = ctx->sk_common;
	struct ft_record row = {};
	struct tcp_timewait_sock *tw;
	struct tcp_request_sock *request;
	struct tcp_sock *tcp;

	if (!c)
		return write_trailer(ctx->meta, &row);
	row.type = SOCK_STREAM;
	row.protocol_number = IPPROTO_TCP;
	read_common(&row, c);
	read_ends(&row, c);
	if (row.state == TCP_TIME_WAIT) {
		tw = bpf_skc_to_tcp_timewait_sock(c);
		if (tw)
			read_time_wait(&row, &tw->tw_sk);
	} else if (row.state == TCP_NEW_SYN_RECV) {
		request = bpf_skc_to_tcp_request_sock(c);
		if (request)
			read_request(&row, &request->req, ctx->uid);
	} else {
		tcp = bpf_skc_to_tcp_sock(c);
		if (tcp) {
			read_tcp(&row, tcp);
			if (has_info) {
				const struct tcp_congestion_ops *congestion = tcp->inet_conn.icsk_ca_ops;

				if (row.state != TCP_LISTEN)
					read_tcp_info(&row, tcp);
				if (congestion) {
					bpf_probe_read_kernel(row.congestion_algorithm, 16, congestion->name);
					row.known |= FT_KNOWN_CONGESTION;
				}
			}
		}
	}
	write_row(ctx->meta, &row);
	return 0;
}

SEC("iter/tcp")
int tcp(struct bpf_iter__tcp *ctx)
{
	return write_tcp(ctx, 0);
}

SEC("iter/tcp")
int tcp_full(struct bpf_iter__tcp *ctx)
{
	return write_tcp(ctx, 1);
}

SEC("iter/udp")
int udp(struct bpf_iter__udp *ctx)
{
	struct udp_sock *udp = ctx->udp_sk;
	struct ft_record row = {};
	struct sock *sk;

	if (!udp)
		return write_trailer(ctx->meta, &row);
	sk = &udp->inet.sk;
	read_common(&row, &sk->__sk_common);
	read_ends(&row, &sk->__sk_common);
	read_sock(&row, sk);
	follow_trusted(&row, sk);
	row.options |= inet_options(&udp->inet);
	read_queues(&row, sk);
	row.recv_queue_bytes -= udp->forward_deficit; /* read, and not yet given back: udp_rqueue_get() */
	write_row(ctx->meta, &row);
	return 0;
}

/* kernel/owners.py join() reads it. */
struct owner {
	__u64 inode;
	__u64 holder; /* pid << 32 | fd */
};

INLINE void write_owner(struct bpf_iter__task_file *ctx, struct file *file, __u32 pid)
{
	struct owner owner = {
		.inode = file->f_inode->i_ino,
		.holder = (__u64)pid << 32 | ctx->fd,
	};

	bpf_seq_write(ctx->meta->seq, &owner, sizeof(owner));
}

SEC("iter/task_file")
int owners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (task && file && bpf_sock_from_file(file))
		write_owner(ctx, file, task->tgid);
	return 0;
}

/* The same with the pids that the reader's pid namespace has for the processes; `owners` gives
 * those of the host and is faster. */
SEC("iter/task_file")
int owners_nested(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct pid *pid;
	__u32 level;
	int nr = 0;

	if (!task || !file || !bpf_sock_from_file(file))
		return 0;
	level = BPF_CORE_READ(bpf_get_current_task_btf(), thread_pid, level);
	pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (char *)__builtin_preserve_access_index(&pid->numbers[0].nr) +
				      level * bpf_core_type_size(struct upid));
	write_owner(ctx, file, nr);
	return 0;
}

/* Tell whether `files` is for this socket: a TCP socket is when it is bound and does nothing yet,
 * for iter/tcp walks the hashes of listeners and connections only. */
INLINE bool has_no_other_iterator(struct ft_record *row, struct sock *sk)
{
	switch (row->family) {
	case AF_UNIX:
	case AF_NETLINK:
	case AF_PACKET:
		return 0;
	case AF_INET:
	case AF_INET6:
		if (sk->sk_protocol == IPPROTO_TCP)
			return row->state == TCP_CLOSE && sk->__sk_common.skc_num;
		return sk->sk_protocol != IPPROTO_UDP;
	}
	return 1;
}

INLINE void read_inet(struct ft_record *row, struct sock *sk)
{
	struct inet_sock *inet = (struct inet_sock *)sk; /* a cast: no plain loads */

	read_ends(row, &sk->__sk_common);
	if (bpf_core_field_exists(inet->inet_flags))
		row->options |= options_of_flags(BPF_CORE_READ(inet, inet_flags));
	else
		row->known &= ~FT_KNOWN_OPTIONS;
	if (row->type == SOCK_RAW)
		row->local_port = 0; /* skc_num is the protocol again */
	else if (row->protocol_number == IPPROTO_TCP)
		row->state = TCP_BOUND_INACTIVE;
	if (row->protocol_number == IPPROTO_MPTCP && row->state == TCP_LISTEN)
		row->known &= ~(FT_KNOWN_ACCEPT_QUEUE | FT_KNOWN_BACKLOG); /* its first subflow has them */
}

/* local and remote: bytes 0-3 the context id, 4-7 the port, in the machine's order. */
INLINE void read_vsock(struct ft_record *row, struct sock *sk)
{
	struct vsock_sock *vsock = (struct vsock_sock *)sk;
	__u32 *local = (__u32 *)row->local, *remote = (__u32 *)row->remote;

	if (!bpf_core_type_exists(struct vsock_sock))
		return;
	local[0] = BPF_CORE_READ(vsock, local_addr.svm_cid);
	local[1] = BPF_CORE_READ(vsock, local_addr.svm_port);
	remote[0] = BPF_CORE_READ(vsock, remote_addr.svm_cid);
	if (remote[0] == VMADDR_CID_ANY)
		remote[0] = 0;
	else
		remote[1] = BPF_CORE_READ(vsock, remote_addr.svm_port);
}

/* Sockets of kinds that have no iterator, by the files that hold them; once for each holder. */
SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct ft_record row = {};
	struct socket *socket;
	struct sock *sk;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	row.family = sk->__sk_common.skc_family;
	row.state = sk->__sk_common.skc_state;
	if (!has_no_other_iterator(&row, sk))
		return 0;
	read_common(&row, &sk->__sk_common);
	read_sock(&row, sk);
	follow_pointers(&row, sk);
	row.inode = file->f_inode->i_ino;
	read_queues(&row, sk);
	if (row.family == AF_INET || row.family == AF_INET6)
		read_inet(&row, sk);
	else if (row.family == AF_VSOCK)
		read_vsock(&row, sk);
	write_row(ctx->meta, &row);
	return 0;
}
