# Made by scripts/gen_socket_pyi.py from model/fields.py: do not edit.
from typing import NamedTuple

class Socket(NamedTuple):
    protocol: str
    family: str
    type: str
    state: str
    local_address: str | None
    local_port: int | None
    remote_address: str | None
    remote_port: int | None
    local: str
    remote: str | None
    netns: int
    netns_name: str | None
    inode: int | None
    cookie: int | None
    pid: int | None
    pids: list[int] | None
    fd: int | None
    process: str | None
    command: str | None
    user: str | None
    uid: int | None
    unit: str | None
    socket_unit: str | None
    container: str | None
    pod: str | None
    owner_by: str | None
    service: str | None
    path: str | None
    interface: str | None
    options: list[str] | None
    timer: str | None
    timer_ms: int | None
    shutdown: str | None
    congestion_algorithm: str | None
    protocol_number: int | None
    recv_queue_bytes: int | None
    send_queue_bytes: int | None
    accept_queue: int | None
    backlog: int | None
    cgroup_id: int | None
    drops: int | None
    mark: int | None
    timer_retransmits: int | None
    congestion_state: int | None
    recv_buffer_bytes: int | None
    send_buffer_bytes: int | None
    rtt_us: int | None
    rtt_var_us: int | None
    min_rtt_us: int | None
    rto_us: int | None
    congestion_window: int | None
    slow_start_threshold: int | None
    mss_bytes: int | None
    path_mtu_bytes: int | None
    unacked_segments: int | None
    lost_segments: int | None
    retransmits_in_flight: int | None
    retransmits: int | None
    last_data_sent_ms: int | None
    last_data_received_ms: int | None
    last_ack_received_ms: int | None
    not_sent_bytes: int | None
    send_window_bytes: int | None
    recv_window_bytes: int | None
    backoff: int | None
    probes: int | None
    rto_retransmits: int | None
    out_of_order_segments: int | None
    bytes_sent: int | None
    bytes_acked: int | None
    bytes_received: int | None
    bytes_retransmitted: int | None
    delivery_rate_bytes_per_s: int | None
    busy_us: int | None
    recv_window_limited_us: int | None
    send_buffer_limited_us: int | None
    segments_sent: int | None
    segments_received: int | None
