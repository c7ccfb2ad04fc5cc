/* tcp_row.h: the columns of TCP, read into a row as the kernel itself reports them.
 *
 * The arithmetic is that of net/ipv4/tcp.c tcp_get_info() and net/ipv4/inet_diag.c
 * inet_sk_diag_fill(), inet_twsk_diag_fill(), inet_req_diag_fill(), so that a row is equal to
 * what getsockopt(TCP_INFO) and ss show.
 */
#pragma once
#include "socket_row.h"

#define TIMER_RETRANSMIT 1
#define TIMER_KEEPALIVE 2
#define TIMER_TIME_WAIT 3
#define TIMER_PERSIST 4
#define NO_RTT 0xffffffffu /* rtt_min before the first sample */

static __always_inline void read_tcp_queues(struct ft_record *row, struct tcp_sock *tcp)
{
	struct sock *sk = &tcp->inet_conn.icsk_inet.sk;
	__s32 unread;

	if (row->state == TCP_LISTEN) {
		row->accept_queue = sk->sk_ack_backlog;
		row->backlog = sk->sk_max_ack_backlog;
		row->known |= FT_KNOWN_ACCEPT_QUEUE | FT_KNOWN_BACKLOG;
		return;
	}
	unread = tcp->rcv_nxt - tcp->copied_seq;
	row->recv_queue_bytes = unread > 0 ? unread : 0; /* a FIN can be read and not counted */
	row->send_queue_bytes = tcp->write_seq - tcp->snd_una;
	row->known |= FT_KNOWN_QUEUES;
}

static __always_inline void read_tcp_options(struct ft_record *row, struct tcp_sock *tcp)
{
	struct inet_connection_sock *icsk = &tcp->inet_conn;

	row->options |= inet_options(&icsk->icsk_inet);
	if (BPF_CORE_READ_BITFIELD(tcp, nonagle) & TCP_NAGLE_OFF)
		row->options |= FT_OPTION_NODELAY;
	if (icsk->icsk_accept_queue.rskq_defer_accept)
		row->options |= FT_OPTION_DEFER_ACCEPT;
	if (bpf_core_field_exists(tcp->is_mptcp) && tcp->is_mptcp)
		row->options |= FT_OPTION_MPTCP_SUBFLOW;
}

static __always_inline unsigned long retransmit_expires(struct inet_connection_sock *icsk)
{
	if (bpf_core_field_exists(icsk->icsk_timeout))
		return icsk->icsk_timeout;
	if (bpf_core_field_exists(icsk->icsk_retransmit_timer))
		return icsk->icsk_retransmit_timer.expires;
	return icsk->icsk_inet.sk.tcp_retransmit_timer.expires;
}

static __always_inline void read_keepalive_timer(struct ft_record *row, struct timer_list *timer)
{
	if (!timer->entry.pprev) /* timer_pending() */
		return;
	row->timer = TIMER_KEEPALIVE;
	row->timer_ms = ms_until(timer->expires);
}

static __always_inline void read_tcp_timer(struct ft_record *row, struct inet_connection_sock *icsk)
{
	row->known |= FT_KNOWN_TIMER;
	switch (icsk->icsk_pending) {
	case ICSK_TIME_RETRANS:
	case ICSK_TIME_EARLY_RETRANS:
	case ICSK_TIME_LOSS_PROBE:
	case ICSK_TIME_REO_TIMEOUT:
		row->timer = TIMER_RETRANSMIT;
		row->timer_retransmits = icsk->icsk_retransmits;
		row->timer_ms = ms_until(retransmit_expires(icsk));
		return;
	case ICSK_TIME_PROBE0:
		row->timer = TIMER_PERSIST;
		row->timer_retransmits = icsk->icsk_probes_out;
		row->timer_ms = ms_until(retransmit_expires(icsk));
		return;
	}
	if (bpf_core_field_exists(icsk->icsk_keepalive_timer))
		read_keepalive_timer(row, &icsk->icsk_keepalive_timer);
	else
		read_keepalive_timer(row, &icsk->icsk_inet.sk.sk_timer);
	if (row->timer)
		row->timer_retransmits = icsk->icsk_probes_out;
}

static __always_inline void read_times_busy(struct ft_record *row, struct tcp_sock *tcp, __u32 now)
{
	__u8 type = BPF_CORE_READ_BITFIELD(tcp, chrono_type);
	__u32 running = now - tcp->chrono_start;
	__u64 busy = tcp->chrono_stat[0], window = tcp->chrono_stat[1], buffer = tcp->chrono_stat[2];

	if (type == TCP_CHRONO_BUSY)
		busy += running;
	else if (type == TCP_CHRONO_RWND_LIMITED)
		window += running;
	else if (type == TCP_CHRONO_SNDBUF_LIMITED)
		buffer += running;
	row->busy_us = (busy + window + buffer) * tick_us();
	row->recv_window_limited_us = window * tick_us();
	row->send_buffer_limited_us = buffer * tick_us();
}

static __always_inline void read_tcp_counters(struct ft_record *row, struct tcp_sock *tcp)
{
	__u64 delivered = tcp->rate_delivered, interval_us = tcp->rate_interval_us;

	row->unacked_segments = tcp->packets_out;
	row->lost_segments = tcp->lost_out;
	row->retransmits_in_flight = tcp->retrans_out;
	row->retransmits = tcp->total_retrans;
	row->out_of_order_segments = tcp->rcv_ooopack;
	row->segments_sent = tcp->segs_out;
	row->segments_received = tcp->segs_in;
	row->bytes_sent = tcp->bytes_sent;
	row->bytes_acked = tcp->bytes_acked;
	row->bytes_received = tcp->bytes_received;
	row->bytes_retransmitted = tcp->bytes_retrans;
	if (delivered && interval_us)
		row->delivery_rate_bytes_per_s = delivered * tcp->mss_cache * 1000000 / interval_us;
}

/* Not for LISTEN: there struct tcp_info has nothing of a connection. */
static __always_inline void read_tcp_info(struct ft_record *row, struct tcp_sock *tcp)
{
	struct inet_connection_sock *icsk = &tcp->inet_conn;
	__u32 now = bpf_jiffies64();
	__s32 not_sent = tcp->write_seq - tcp->snd_nxt;

	row->known |= FT_KNOWN_TCP_INFO;
	row->congestion_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
	row->rtt_us = tcp->srtt_us >> 3;
	row->rtt_var_us = tcp->mdev_us >> 2;
	row->min_rtt_us = tcp->rtt_min.s[0].v;
	if (row->min_rtt_us == NO_RTT)
		row->min_rtt_us = 0;
	row->rto_us = icsk->icsk_rto * tick_us();
	row->congestion_window = tcp->snd_cwnd;
	row->slow_start_threshold = tcp->snd_ssthresh;
	row->mss_bytes = tcp->mss_cache;
	row->path_mtu_bytes = icsk->icsk_pmtu_cookie;
	row->last_data_sent_ms = ms_of(now - tcp->lsndtime);
	row->last_data_received_ms = ms_of(now - icsk->icsk_ack.lrcvtime);
	row->last_ack_received_ms = ms_of(now - tcp->rcv_tstamp);
	row->not_sent_bytes = not_sent > 0 ? not_sent : 0;
	row->send_window_bytes = tcp->snd_wnd;
	row->recv_window_bytes = tcp->rcv_wnd;
	row->backoff = icsk->icsk_backoff;
	row->probes = icsk->icsk_probes_out;
	row->rto_retransmits = icsk->icsk_retransmits;
	if (BPF_CORE_READ_BITFIELD(tcp, rx_opt.wscale_ok))
		row->window_scales = BPF_CORE_READ_BITFIELD(tcp, rx_opt.snd_wscale) |
				     BPF_CORE_READ_BITFIELD(tcp, rx_opt.rcv_wscale) << 4;
	read_tcp_counters(row, tcp);
	read_times_busy(row, tcp, now);
}

/* TIME_WAIT, and FIN_WAIT2 that the kernel has shrunk to the same form: skc_state says TIME_WAIT
 * for both. It has no user and no file, and nothing in its queues. */
static __always_inline void read_time_wait(struct ft_record *row, struct inet_timewait_sock *tw)
{
	row->state = tw->tw_substate;
	row->netns = tw->__tw_common.skc_net.net->ns.inum;
	row->timer = TIMER_TIME_WAIT;
	row->timer_ms = ms_until(tw->tw_timer.expires);
	row->mark = tw->tw_mark;
	row->options = bind_options(&tw->__tw_common);
	if (BPF_CORE_READ_BITFIELD(tw, tw_transparent))
		row->options |= FT_OPTION_TRANSPARENT;
	row->known |= FT_KNOWN_QUEUES | FT_KNOWN_TIMER | FT_KNOWN_MARK | FT_KNOWN_OPTIONS;
}

/* An entry of the SYN queue; `uid` is its listener's. */
static __always_inline void read_request(struct ft_record *row, struct inet_request_sock *request, __u32 uid)
{
	row->state = TCP_SYN_RECV;
	row->uid = uid;
	row->netns = request->req.__req_common.skc_net.net->ns.inum;
	row->timer = TIMER_RETRANSMIT;
	row->timer_retransmits = request->req.num_retrans;
	row->timer_ms = ms_until(request->req.rsk_timer.expires);
	row->mark = request->ir_mark;
	row->known |= FT_KNOWN_UID | FT_KNOWN_QUEUES | FT_KNOWN_TIMER | FT_KNOWN_MARK;
}
