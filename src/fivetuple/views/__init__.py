"""Questions: one file a command, each a pure function of a Snapshot. The folder is the list."""
