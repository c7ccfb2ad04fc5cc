"""Programs for `child_in(namespace, CODE)`: sockets that stay, and sockets that never do.

STABLE holds sockets for good; `facts["held"]` is [[cookie, inode, fd], ...]. CHURN opens, connects,
accepts, closes, forks and passes sockets as fast as it can; it listens at PORTS and connects from
LOCAL_PORTS, so that every row of its sockets is known to be real. `facts["passed"]` is the inode
of a socket that two of its processes throw to each other, `facts["pids"]` are these two.
"""

from __future__ import annotations

PORTS = range(20000, 20004)
LOCAL_PORTS = range(30000, 60000)

STABLE = r"""
import socket, struct
keep = []
server = socket.create_server(("127.0.0.1", 21000), backlog=300)
keep.append(server)
for at in range(200):
    keep.append(socket.create_connection(server.getsockname()))
    keep.append(server.accept()[0])
for at in range(100):
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    two = socket.socket(type=socket.SOCK_DGRAM)
    two.bind(("127.0.0.1", 0))
    keep += one, two
ready(held=[
    [struct.unpack("=Q", sock.getsockopt(socket.SOL_SOCKET, 57, 8))[0], os.fstat(sock.fileno()).st_ino, sock.fileno()]
    for sock in keep
])
wait()
"""

CHURN = r"""
import array, ctypes, signal, socket, struct
HOST, me = "127.0.0.1", os.getpid()

def pass_around(mine, first):
    # there is always a holder: the sender closes when the other has it
    sock = first
    while True:
        if sock is None:
            _, rights, _, _ = mine.recvmsg(1, socket.CMSG_SPACE(4))
            sock = struct.unpack("i", rights[0][2])[0]
            mine.send(b"y")
        mine.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock]))])
        mine.recv(1)
        os.close(sock)
        sock = None

def open_and_close(port):
    server = socket.create_server((HOST, port), backlog=64)
    while True:
        some = []
        for _ in range(8):
            some.append(socket.create_connection((HOST, port)))
            some.append(server.accept()[0])
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind((HOST, 0))
        some += [udp, *socket.socketpair()]
        bound = socket.socket()
        bound.bind((HOST, 0))
        some.append(bound)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        for at, sock in enumerate(some):
            if at % 3:  # some without TIME_WAIT
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

def start(function, *args):
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with the parent
        try:
            function(*args)
        finally:
            os._exit(1)
    return pid

with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
    file.write("30000 59999")
with open("/proc/sys/net/ipv4/tcp_max_tw_buckets", "w") as file:
    file.write("500")
passed = socket.create_server((HOST, 20003))
inode = os.fstat(passed.fileno()).st_ino
one, two = socket.socketpair()

def throw_first():
    two.close()
    pass_around(one, passed.detach())

def catch_first():
    passed.close()
    one.close()
    pass_around(two, None)

pids = [start(throw_first), start(catch_first)]
passed.close()
one.close()
two.close()
for port in (20000, 20001):
    start(open_and_close, port)
ready(passed=inode, pids=pids)
wait()
"""
