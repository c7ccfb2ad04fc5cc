"""Reasoning that views and rules share: pure functions of a Snapshot."""
