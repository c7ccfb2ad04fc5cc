"""Every exception of ours. A class exists only where someone acts differently on it.

The message is ready to be shown: what was asked, what the kernel said, what to do.
Only the front door (`cli/main.py`) prints errors; it exits with the class's `exit_status`.
"""

from __future__ import annotations


class FivetupleError(Exception):
    """The base of all; raised itself only for faults of our own."""

    exit_status = 5


class BadInput(FivetupleError):
    """What the user typed, or the file that the user named, can't be used."""

    exit_status = 2


class NotPermitted(FivetupleError):
    """The kernel refuses this user; the message says which privilege would help."""

    exit_status = 3


class NotAvailable(FivetupleError):
    """This kernel or host lacks what was asked for; the message says what it lacks."""

    exit_status = 4
