"""A program that holds a TCP socket in every state, and UDP, UDP-Lite and MPTCP sockets.

Run by `child_in(namespace, CODE)`: it needs nft and a namespace of its own. Packets are dropped
where they arrive, so that senders believe them sent. `facts` has the ports.
"""

from __future__ import annotations

CODE = """
import socket, subprocess, time, struct

MPTCP, UDPLITE = 262, 136
HOST = "127.0.0.1"

def nft(*words):
    subprocess.run(["nft", *words], check=True)

def drop(*match):
    nft("add", "rule", "ip", "ft", "arrivals", *match, "drop")

def drop_between(sender, receiver):
    # both ports: another connection may have one of them, for another destination
    drop("tcp", "sport", sender, "tcp", "dport", receiver)

nft("add", "table", "ip", "ft")
nft("add", "chain", "ip", "ft", "arrivals", "{ type filter hook input priority 0; }")

listener = socket.create_server((HOST, 0), backlog=9)
port = listener.getsockname()[1]

def connect():
    client = socket.create_connection((HOST, port))
    server, _ = listener.accept()
    return client, server

def own_port(sock):
    return str(sock.getsockname()[1])

keep = [listener]

client, server = connect()
client.send(b"x" * 100)
keep += client, server

half_closed, waiting = connect()
half_closed.shutdown(socket.SHUT_WR)
keep += half_closed, waiting

orphan, left = connect()
orphan.close()
keep.append(left)

first, second = connect()
first.close()
second.close()

# FIN lost on its way
fin_wait1, deaf = connect()
drop_between(own_port(fin_wait1), str(port))
fin_wait1.close()
keep.append(deaf)

# our FIN is lost, the peer's arrives
closing, other = connect()
drop_between(own_port(closing), str(port))
closing.shutdown(socket.SHUT_WR)
other.shutdown(socket.SHUT_WR)
keep += closing, other

# the peer closed first, and our FIN is lost
gone, last_ack = connect()
gone.shutdown(socket.SHUT_WR)
drop_between(str(port), own_port(gone))
last_ack.shutdown(socket.SHUT_WR)
keep += gone, last_ack

silent = socket.socket()
silent.bind((HOST, 0))
silent.listen()
drop("tcp", "dport", own_port(silent))
syn_sent = socket.socket()
syn_sent.setblocking(False)
syn_sent.connect_ex(silent.getsockname())
keep += silent, syn_sent

handshake = socket.create_server((HOST, 0), backlog=5)
drop("tcp", "dport", own_port(handshake), "tcp", "flags", "&", "(syn|ack)", "==", "ack")
keep += handshake, socket.create_connection(handshake.getsockname())

unaccepted = socket.create_server((HOST, 0), backlog=7)
keep += [unaccepted] + [socket.create_connection(unaccepted.getsockname()) for _ in range(3)]

bound = socket.socket()
bound.bind((HOST, 0))
keep.append(bound)

v6 = socket.create_server(("::1", 0), family=socket.AF_INET6)
v6_client = socket.create_connection(v6.getsockname()[:2])
dual = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
dual_client = socket.create_connection((HOST, dual.getsockname()[1]))
dual_server, _ = dual.accept()
keep += v6, v6_client, dual, dual_client, dual_server

udp = socket.socket(type=socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
udp.bind((HOST, 0))
udp_client = socket.socket(type=socket.SOCK_DGRAM)
udp_client.connect(udp.getsockname())
for _ in range(50):
    udp_client.send(b"x" * 900)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp6.bind(("::1", 0))
lite = socket.socket(type=socket.SOCK_DGRAM, proto=UDPLITE)
lite.bind((HOST, 0))
keep += udp, udp_client, udp6, lite

options = socket.socket(type=socket.SOCK_DGRAM)
options.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x1234)
options.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
options.bind((HOST, 0))
for option in (11, 15, 19, 24):  # IP_RECVERR, _FREEBIND, _TRANSPARENT, _BIND_ADDRESS_NO_PORT
    options.setsockopt(socket.IPPROTO_IP, option, 1)
keep.append(options)

mptcp = socket.socket(proto=MPTCP)
mptcp.bind((HOST, 0))
mptcp.listen(5)
mptcp_client = socket.socket(proto=MPTCP)
mptcp_client.connect(mptcp.getsockname())
mptcp_server, _ = mptcp.accept()
keep += mptcp, mptcp_client, mptcp_server

def tcp_info(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512).hex()

def cookie(sock):
    return struct.unpack("=Q", sock.getsockopt(socket.SOL_SOCKET, 57, 8))[0]

ready(
    ports={name: globals()[name].getsockname()[1] for name in (
        "listener", "bound", "unaccepted", "handshake", "v6", "dual", "udp", "udp_client", "udp6", "lite",
        "options", "mptcp", "mptcp_client", "client", "syn_sent",
    )},
    inode=os.fstat(client.fileno()).st_ino,
    cookie=cookie(client),
    tcp_info=tcp_info(client),
)
wait()
"""
