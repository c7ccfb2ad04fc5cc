"""Socket units, parsed from what systemd and Debian ship and from what administrators write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.kernel import socket_units
from fivetuple.kernel.socket_units import parse, read
from fivetuple.model.endpoint import ANY_V4, ANY_V6, pack_address

TCP, UDP, SCTP, UDPLITE = 6, 17, 132, 136
STREAM, DGRAM, SEQPACKET = 1, 2, 5
SYSTEM = "usr/lib/systemd/system"


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def listening(root, text, name="web.socket"):
    """Return what one unit of this text listens on."""
    write(
        root,
        f"{SYSTEM}/{name}",
        "[Unit]\nDescription=x\n\n[Socket]\n" + text + "\n[Install]\nWantedBy=sockets.target\n",
    )
    return read(root=str(root))


@pytest.mark.parametrize(
    ("setting", "keys"),
    [
        ("ListenStream=8080", {(TCP, ANY_V6, 8080), (TCP, ANY_V4, 8080)}),
        ("ListenStream=0.0.0.0:80", {(TCP, ANY_V4, 80)}),
        ("ListenStream = 127.0.0.1:80", {(TCP, pack_address("127.0.0.1"), 80)}),
        ("ListenStream=[::1]:80", {(TCP, pack_address("::1"), 80)}),
        ("ListenStream=[fe80::1]:80%%eth0", {(TCP, pack_address("fe80::1"), 80)}),
        ("ListenStream=[fe80::1%%eth0]:80", {(TCP, pack_address("fe80::1"), 80)}),
        ("ListenDatagram=69", {(UDP, ANY_V6, 69), (UDP, ANY_V4, 69)}),
        ("ListenDatagram=10.0.0.1:69\nSocketProtocol=udplite", {(UDPLITE, pack_address("10.0.0.1"), 69)}),
        ("ListenSequentialPacket=10.0.0.1:7", {(SCTP, pack_address("10.0.0.1"), 7)}),
        ("ListenStream=10.0.0.1:7\nSocketProtocol=sctp", {(SCTP, pack_address("10.0.0.1"), 7)}),
        ("ListenStream=/run/web.sock", {(STREAM, b"/run/web.sock")}),
        ("ListenStream=%t/%p/x.sock", {(STREAM, b"/run/web/x.sock")}),
        ("ListenDatagram=@/abstract", {(DGRAM, b"\0/abstract")}),
        ("ListenSequentialPacket=/run/udev/control", {(SEQPACKET, b"/run/udev/control")}),
        ("ListenStream=/run/100%%", {(STREAM, b"/run/100%")}),
        ("ListenStream=10.0.0.1:80\nListenStream=10.0.0.2:80", {(TCP, pack_address(f"10.0.0.{n}"), 80) for n in (1, 2)}),
        ("ListenStream=10.0.0.1:80\nListenStream=\nListenStream=10.0.0.2:80", {(TCP, pack_address("10.0.0.2"), 80)}),
        ("ListenStream=\\\n  10.0.0.1:80\n; x\n# ListenStream=81", {(TCP, pack_address("10.0.0.1"), 80)}),
        ("ListenFIFO=/run/initctl\nListenNetlink=audit 1\nListenSpecial=/dev/rfkill", set()),
        ("ListenStream=vsock:2:1234\nListenStream=localhost:80\nListenStream=99999\nListenStream=%q", set()),
        ("ListenStream=10.0.0.1:1e5\nListenStream=-1\nListenStream=\u0661\nListenStream=[::1]", set()),
    ],
)  # fmt: skip
def test_addresses_are_read(tmp_path, setting, keys):
    assert listening(tmp_path, setting).keys() == keys


@pytest.mark.parametrize(
    ("setting", "service"),
    [
        ("", "web.service"),
        ("Service=other.service", "other.service"),
        ("Service=%p-backend.service", "web-backend.service"),
        ("Accept=no", "web.service"),
        ("Accept=yes", "web@.service"),
        ("Accept=true\nService=", "web@.service"),
    ],
)
def test_service_that_answers_is_told(tmp_path, setting, service):
    found = listening(tmp_path, "ListenStream=/run/x\n" + setting)

    assert found[STREAM, b"/run/x"] == ("web.socket", service)


def test_alias_of_the_service_is_told_by_its_real_name(tmp_path):
    listening(tmp_path, "ListenDatagram=/run/log", "syslog.socket")
    write(tmp_path, f"{SYSTEM}/rsyslog.service", "[Service]\n")
    link = tmp_path / "etc/systemd/system/syslog.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("/usr/lib/systemd/system/rsyslog.service")

    assert read(root=str(tmp_path))[DGRAM, b"/run/log"].service == "rsyslog.service"


def test_instances_of_a_template_are_those_that_something_wants(tmp_path):
    listening(tmp_path, r"ListenStream=/run/%i/%I/%p" + "\nService=w@%i.service", "w@.socket")
    wants = tmp_path / "etc/systemd/system/sockets.target.wants"
    wants.mkdir(parents=True)
    (wants / r"w@a-b\x2dc.socket").symlink_to("/usr/lib/systemd/system/w@.socket")

    found = read(root=str(tmp_path))

    assert found == {
        (STREAM, rb"/run/a-b\x2dc/a/b-c/w"): (r"w@a-b\x2dc.socket", r"w@a-b\x2dc.service")
    }


def test_enabled_unit_counts_where_two_name_the_same_address(tmp_path):
    for name in ("a", "b", "c"):
        listening(tmp_path, "ListenStream=/run/x", f"{name}.socket")
    wants = tmp_path / "etc/systemd/system/sockets.target.wants"
    wants.mkdir(parents=True)
    (wants / "b.socket").symlink_to("/usr/lib/systemd/system/b.socket")

    assert read(root=str(tmp_path))[STREAM, b"/run/x"].name == "b.socket"


def test_units_of_a_user_are_read_from_the_users_folders(tmp_path):
    write(
        tmp_path, "usr/lib/systemd/user/agent.socket", "[Socket]\nListenStream=%t/gnupg/S.agent\n"
    )
    write(
        tmp_path,
        "run/user/0/systemd/transient/run-1.socket",
        "[Socket]\nListenStream=10.0.0.1:%U81\n",
    )

    found = read(0, str(tmp_path))

    assert found == {
        (STREAM, b"/run/user/0/gnupg/S.agent"): ("agent.socket", "agent.service"),
        (TCP, pack_address("10.0.0.1"), 81): ("run-1.socket", "run-1.service"),
    }


def test_host_without_systemd_has_no_units(tmp_path):
    assert read(root=str(tmp_path)) == {}
    assert read(4_000_000_001, str(tmp_path)) == {}


def test_units_of_this_host_are_read():
    units = read()

    assert all(
        unit.name.endswith(".socket") and unit.service.endswith(".service")
        for unit in units.values()
    )


def test_only_the_socket_section_counts():
    assert parse(
        ["[Unit]\nListenStream=1\n[Socket]\nListenStream=2\n[Install]\nListenStream=3"]
    ) == {"ListenStream": ["2"]}


LINES = st.sampled_from(
    ["[Socket]", "ListenStream=80", "ListenStream=", "=", "\\", "x=\\", "%", "[", "# x"]
)


@given(st.one_of(st.text(), st.lists(st.one_of(LINES, st.text(max_size=9))).map("\n".join)))
def test_every_text_is_parsed(text):
    assert all(isinstance(values, list) for values in parse([text]).values())


@given(st.text(max_size=30))
def test_every_address_is_read(address):
    specifiers = socket_units._specifiers("web.socket", "/run", "/root", 0)

    for key in socket_units.listening_keys({"ListenStream": [address]}, specifiers):
        assert key[0] in (STREAM, TCP)
