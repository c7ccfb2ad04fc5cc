"""Deeds: one file a command that does something. The folder is the list."""
