"""Nouns and tables: what a socket, a port, an owner is. Standard library only, nothing of the world."""
