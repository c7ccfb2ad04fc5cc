import struct

import pytest
from tests.support.diag_bytes import columns, known, message, messages
from tests.support.namespaces import require_root

from fivetuple.kernel import vsock_diag
from fivetuple.model.errors import NotAvailable

ANY = 0xFFFFFFFF


def vsock(state, local, remote, shutdown=0):
    return message(struct.pack("=BBBBIIIIIQ", 40, 1, state, shutdown, *local, *remote, 33, 44))


def rows_of(*parts):
    return columns(
        vsock_diag.rows_of(vsock_diag.family_of_rows(9), len(parts[0]), messages(*parts))
    )


def test_a_connection_has_both_ends():
    (row,) = rows_of(vsock(1, (3, 1024), (2, 5000), shutdown=2))

    assert struct.unpack_from("<II", row["local"]) == (3, 1024)
    assert struct.unpack_from("<II", row["remote"]) == (2, 5000)
    assert (row["state"], row["shutdown"], row["type"], row["netns"]) == (1, 2, 1, 9)
    assert (row["inode"], row["cookie"]) == (33, 44)
    assert known(row) == {"SHUTDOWN", "COOKIE", "INODE"}


def test_a_listener_has_no_remote_end():
    listener, connection = rows_of(vsock(10, (ANY, 22), (ANY, ANY)), vsock(1, (3, 22), (2, 5000)))

    assert listener["remote"] == bytes(16)
    assert struct.unpack_from("<II", listener["local"]) == (ANY, 22)
    assert struct.unpack_from("<II", connection["remote"]) == (2, 5000)


@pytest.mark.kernel
def test_a_kernel_without_the_list_is_named():
    require_root()
    try:
        columns(vsock_diag.dump(9))
    except NotAvailable as err:
        reason = str(err)
    else:
        pytest.skip("this kernel has the list, and other tests need one without")

    assert reason == "this kernel has no vsock sock_diag (CONFIG_VSOCKETS_DIAG)"
