import ctypes
import errno
import platform
import struct

import pytest
from tests.support.diag_bytes import message
from tests.support.namespaces import in_namespace

from fivetuple.kernel import netlink, sock_diag
from fivetuple.kernel.netlink import Torn, attributes, find_runs, join_runs
from fivetuple.model.errors import NotAvailable, NotPermitted

AF_NETLINK = 16
Run = tuple[int, int, int]

SYSCALL_SOCKET = {"x86_64": 41, "aarch64": 198}


def runs_of(datagram):
    """Return what find_runs says of one datagram, and its messages."""
    view = memoryview(bytearray(datagram))
    runs: list[Run] = []
    ended, error = find_runs(view.cast("I"), 0, len(datagram) >> 2, runs)
    return ended, error, [(length, bytes(part)) for length, part in join_runs(view, runs)]


def done(code=0):
    return message(struct.pack("=i", code), kind=3)


def test_messages_are_sorted_by_length():
    short, long = message(b"a" * 8), message(b"b" * 12)

    ended, error, found = runs_of(short + long + short + short)

    assert (ended, error) == (False, 0)
    assert found == [(24, short * 3), (28, long)]


def test_one_run_is_not_copied():
    view = memoryview(bytearray(message(b"a" * 8) * 3))
    runs: list[Run] = []
    find_runs(view.cast("I"), 0, len(view) >> 2, runs)

    ((_, part),) = join_runs(view, runs)

    assert part.obj is view.obj


def test_runs_of_several_datagrams_are_joined():
    first, second = message(b"a" * 8) * 2, message(b"c" * 8)
    view = memoryview(bytearray(first + second))
    words = view.cast("I")
    runs: list[Run] = []
    find_runs(words, 0, len(first) >> 2, runs)
    find_runs(words, len(first) >> 2, len(view) >> 2, runs)

    ((length, part),) = join_runs(view, runs)

    assert (length, bytes(part)) == (24, first + second)


def test_the_list_ends_with_done():
    row = message(b"a" * 8)

    assert runs_of(row + done()) == (True, 0, [(24, row)])


@pytest.mark.parametrize("kind", [2, 3])
def test_an_error_ends_the_list(kind):
    answer = message(struct.pack("=i", -errno.ENOENT), kind=kind)

    ended, error, _ = runs_of(answer)

    assert (ended, error) == (True, errno.ENOENT)


def test_messages_of_other_kinds_are_passed_over():
    noop, row = message(b"", kind=1), message(b"a" * 8)

    assert runs_of(noop + row) == (False, 0, [(24, row)])


@pytest.mark.parametrize(
    "datagram",
    [
        message(b"a" * 8)[:-4],
        message(b"a" * 8) + b"\x10\0\0\0",
        struct.pack("=IHHII", 15, 20, 2, 1, 0),
        struct.pack("=IHHII", 0, 20, 2, 1, 0),
        struct.pack("=IHHII", 0xFFFFFFFF, 20, 2, 1, 0),
    ],
)
def test_a_datagram_that_contradicts_itself_is_refused(datagram):
    with pytest.raises(Torn):
        runs_of(datagram)


def test_attributes_are_found_with_their_padding():
    data = message(b"", [(8, b"\1"), (15, b"\1\2\3\4")])

    assert attributes(memoryview(data), 16) == ((16, 8, 5), (24, 15, 8))


def test_flags_of_an_attribute_are_no_part_of_its_type():
    data = message(b"", [(0x8013, b"")])

    assert attributes(memoryview(data), 16) == ((16, 0x13, 4),)


@pytest.mark.parametrize("tail", [b"\3\0\1\0", b"\x09\0\1\0\0\0\0\0", b"\4\0"])
def test_an_attribute_that_contradicts_the_message_is_refused(tail):
    with pytest.raises(Torn):
        attributes(memoryview(bytes(16) + tail), 16)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOENT, NotAvailable, "no such list"),
        (errno.EOPNOTSUPP, NotAvailable, "no such list"),
        (errno.EINVAL, NotAvailable, "no such list"),
        (errno.EPERM, NotPermitted, "forbids this process"),
        (errno.ENOMEM, NotAvailable, "broke off"),
    ],
)
def test_the_kernels_refusal_says_what_is_lacking(number, kind, words):
    failure = netlink.failure(number, "no such list")

    assert type(failure) is kind
    assert words in str(failure)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (
            errno.EPERM,
            NotPermitted,
            "Operation not permitted': a seccomp filter or security module forbids it",
        ),
        (errno.EACCES, NotPermitted, "Permission denied'"),
        (errno.EAFNOSUPPORT, NotAvailable, "this kernel or sandbox has no sock_diag"),
    ],
)
def test_a_sandbox_without_netlink_is_named(number, kind, words):
    """systemd's RestrictAddressFamilies= gives EAFNOSUPPORT, container engines' profiles EPERM or EACCES."""
    if platform.machine() not in SYSCALL_SOCKET:
        pytest.skip("the filter is written for x86-64 and arm64")

    with pytest.raises(kind) as caught:
        in_namespace(None, list_without_netlink, number)

    assert words in str(caught.value)


def list_without_netlink(number):
    forbid_netlink(number)
    return list(sock_diag.dump(2, 6, netns=1))


def forbid_netlink(number):
    """Let socket(AF_NETLINK, ...) fail in this process from now on (seccomp(2))."""
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (load, 0, 0, 0),  # seccomp_data.nr
            (jump_if_equal, 0, 3, SYSCALL_SOCKET[platform.machine()]),
            (load, 0, 0, 16),  # the low half of args[0]
            (jump_if_equal, 0, 1, AF_NETLINK),
            (give, 0, 0, 0x00050000 | number),  # SECCOMP_RET_ERRNO
            (give, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
        )
    )
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (38, 1, 0, 0, 0),
        (22, 2, header, 0, 0),
    ):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        if libc.prctl(
            *(ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments)
        ):
            raise OSError(ctypes.get_errno(), "prctl")
