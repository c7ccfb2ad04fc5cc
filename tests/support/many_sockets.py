"""Programs that hold thousands of sockets of every kind, for `child_in(namespace, CODE)`.

MANY needs a namespace of its own, with lo up. It forks a process that shares some of its sockets
and gets others by SCM_RIGHTS. `facts`: `holders` is [[inode, pid, fd], ...] of sockets whose
holders are worth a look, `inodes` says which is which by a name.
"""

from __future__ import annotations

MANY = r"""
import array, errno, resource, socket, struct, subprocess, time

MPTCP, UDPLITE, VSOCK = 262, 136, 40
V4, V6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

subprocess.run(["ip", "address", "add", "fe80::1/64", "dev", "lo", "nodad"], check=True)
with open("/proc/sys/net/ipv4/ping_group_range", "w") as file:
    file.write("0 2147483647")

keep, inodes = [], {}

def inode(sock):
    return os.fstat(sock.fileno()).st_ino

def held(sock, name=None):
    keep.append(sock)
    if name:
        inodes[name] = inode(sock)
    return sock

def bound(family, kind, address, proto=0, options=(), name=None):
    sock = held(socket.socket(family, kind, proto), name)
    for level, option, value in options:
        sock.setsockopt(level, option, value)
    sock.bind(address)
    return sock

REUSEADDR = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
REUSEPORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
ONLY6 = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
BOTH = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
ON_LO = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET

def listening(*args, backlog=64, **words):
    sock = bound(*args, **words)
    sock.listen(backlog)
    return sock

# --- TCP: many connections, by IPv4, IPv6 and v4-mapped, on several addresses ---
for at in range(4):
    server = listening(V4, STREAM, (f"127.0.0.{at + 1}", 0))
    for _ in range(150):
        client = held(socket.create_connection(server.getsockname()))
        held(server.accept()[0])
server = listening(V6, STREAM, ("::1", 0))
for _ in range(150):
    client = held(socket.create_connection(server.getsockname()[:2]))
    held(server.accept()[0])
dual = listening(V6, STREAM, ("::", 0), options=(BOTH,), name="dual")
for _ in range(100):
    held(socket.create_connection(("127.0.0.1", dual.getsockname()[1])))
    held(dual.accept()[0])
for at in range(100):  # TIME_WAIT
    client = socket.create_connection(("127.0.0.1", dual.getsockname()[1]))
    server, _ = dual.accept()
    client.close(); server.close()
for at in range(20):  # FIN_WAIT2 in a timewait socket, CLOSE_WAIT
    client = socket.create_connection(("127.0.0.1", dual.getsockname()[1]))
    held(dual.accept()[0])
    client.close()
for _ in range(20):  # not accepted
    held(socket.create_connection(("127.0.0.1", dual.getsockname()[1])))
for _ in range(150):
    bound(V4, STREAM, ("127.0.0.1", 0))
    bound(V6, STREAM, ("::1", 0))
held(socket.socket())  # neither bound nor anything: no list has it

listening(V6, STREAM, ("::", 0), options=(ONLY6,), name="v6only")
listening(V4, STREAM, ("0.0.0.0", 0), options=(ON_LO, REUSEADDR), name="on_lo")
listening(V6, STREAM, ("fe80::1", 0, 0, 1), name="scoped")
group = listening(V4, STREAM, ("127.0.0.1", 0), options=(REUSEPORT,), name="reuseport")
for _ in range(3):
    listening(V4, STREAM, group.getsockname(), options=(REUSEPORT,))

# --- UDP, UDP-Lite, raw, ping, MPTCP ---
target = bound(V4, DGRAM, ("127.0.0.1", 0))
for _ in range(300):
    bound(V4, DGRAM, ("127.0.0.1", 0))
    held(socket.socket(V4, DGRAM)).connect(target.getsockname())
    bound(V6, DGRAM, ("::1", 0))
bound(V6, DGRAM, ("::", 0), options=(ONLY6,), name="udp6only")
bound(V6, DGRAM, ("::", 0), options=(BOTH,), name="udp_dual")
bound(V6, DGRAM, ("fe80::1", 0, 0, 1), name="udp_scoped")
bound(V4, DGRAM, ("127.0.0.1", 0), options=(ON_LO,), name="udp_on_lo")
held(socket.socket(V6, DGRAM)).connect(("::ffff:127.0.0.1", target.getsockname()[1]))
lite = bound(V4, DGRAM, ("127.0.0.1", 0), proto=UDPLITE)
held(socket.socket(V4, DGRAM, UDPLITE)).connect(lite.getsockname())
bound(V6, DGRAM, ("::1", 0), proto=UDPLITE)
for number in (1, 89, 255):
    held(socket.socket(V4, socket.SOCK_RAW, number), f"raw{number}")
bound(V4, socket.SOCK_RAW, ("127.0.0.1", 0), proto=132)
held(socket.socket(V6, socket.SOCK_RAW, 58))
bound(V4, DGRAM, ("127.0.0.1", 77), proto=1, name="ping")
bound(V6, DGRAM, ("::1", 78), proto=58, name="ping6")
try:
    mptcp = listening(V4, STREAM, ("127.0.0.1", 0), proto=MPTCP, name="mptcp")
    held(socket.socket(proto=MPTCP)).connect(mptcp.getsockname())
    held(mptcp.accept()[0])
except OSError as err:
    if err.errno not in (errno.EPROTONOSUPPORT, errno.ENOPROTOOPT):
        raise

# --- unix, packet, netlink, vsock ---
for kind in (STREAM, DGRAM, SEQPACKET):
    for _ in range(100):
        for end in socket.socketpair(UNIX, kind):
            held(end)
name = f"ft-many-{os.getpid()}"
listener = listening(UNIX, STREAM, b"\0" + name.encode(), name="abstract")
held(socket.socket(UNIX)).connect(listener.getsockname())
held(listener.accept()[0])
listening(UNIX, SEQPACKET, b"\0" + name.encode() + b"\nanother line", name="newline")
bound(UNIX, DGRAM, b"\0" + name.encode() + b"d")
held(socket.socket(UNIX, DGRAM))
if hasattr(socket, "AF_PACKET"):
    held(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    bound(socket.AF_PACKET, DGRAM, ("lo", 0x0800))
for number, groups in ((0, 0), (0, 0x11), (16, 0), (15, 1)):
    held(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, number)).bind((0, groups))
try:
    bound(VSOCK, STREAM, (0xFFFFFFFF, 0xFFFFFFFF), name="vsock").listen(4)
except OSError as err:
    if err.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
        raise

# --- shared by fork, passed by SCM_RIGHTS ---
shared = listening(V4, STREAM, ("127.0.0.1", 0), name="shared")
passed = listening(V4, STREAM, ("127.0.0.1", 0), name="passed")
keep.remove(passed)
ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    theirs_only = {shared.fileno(), theirs.fileno()}
    for sock in (*keep, ours, passed):
        if sock.fileno() not in theirs_only:
            sock.close()
    _, rights, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
    (number,) = struct.unpack("i", rights[0][2])
    theirs.send(struct.pack("i", number))
    theirs.recv(1)  # until the other process is gone
    os._exit(0)
theirs.close()
ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed.fileno()]))])
passed.close()
(number,) = struct.unpack("i", ours.recv(4))
me = os.getpid()
ready(
    inodes=inodes,
    helper=pid,
    sockets=len(keep),
    holders=[
        [inodes["shared"], me, shared.fileno()],
        [inodes["shared"], pid, shared.fileno()],
        [inodes["passed"], pid, number],
        [inodes["dual"], me, dual.fileno()],
    ],
)
wait()
"""
