"""The tests: one file a source file, at the same path."""
