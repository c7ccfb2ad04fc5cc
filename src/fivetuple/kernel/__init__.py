"""The only code that speaks to the operating system about sockets; one file an interface, named as the kernel names it."""
