"""What several test files share: namespaces, processes and sockets made for the occasion."""
