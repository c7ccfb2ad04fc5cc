"""Where a Snapshot comes from: this kernel, a file, another host. One file a scheme."""
