"""Names of user ids."""

from __future__ import annotations

import os

from fivetuple.kernel import users

UNUSED_UID = 4_000_000_001
NO_UID = (1 << 32) - 1


def test_users_have_their_names():
    assert users.names([0])[0] == "root"
    assert set(users.names([0, os.geteuid()])) == {0, os.geteuid()}


def test_users_without_a_name_are_left_out():
    assert users.names([UNUSED_UID, NO_UID, 1 << 40, -1, 0]) == {0: "root"}
