"""See every port and socket of a machine: who owns it, what state it is in, what is wrong."""

__version__ = "0.1.0"
