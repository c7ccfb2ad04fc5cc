"""Code: one BPF program as the kernel takes it."""

from __future__ import annotations

from collections import namedtuple

Code = namedtuple("Code", "instructions attach_btf_id")
"""bytes fit for the running kernel; the BTF id of the kernel function that the program stands for."""
