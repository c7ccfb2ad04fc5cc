"""What holds for every test: when the kernel's tests may be skipped, and when they may not.

A test marked `kernel` makes network namespaces. Where that is impossible it is skipped with the
reason. With FT_REQUIRE_KERNEL=1 (CI) a skip of such a test is a failure, whoever skips it, so that
nothing hides behind a missing tool; only a reason that starts with `kernel lacks` may stand.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

KERNEL_REQUIRED = os.environ.get("FT_REQUIRE_KERNEL") == "1"
ALLOWED_REASON = "kernel lacks"


@functools.cache
def why_no_namespaces() -> str | None:
    """Tell what keeps this process from making network namespaces, None when nothing does."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    tried = subprocess.run(
        ["unshare", "--net", "true"], capture_output=True, text=True, check=False
    )
    return f"no network namespace: {tried.stderr.strip()}" if tried.returncode else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a kernel test where it cannot run."""
    if item.get_closest_marker("kernel") and (reason := why_no_namespaces()):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a kernel test's skip when the kernel is required."""
    report = yield
    if KERNEL_REQUIRED and item.get_closest_marker("kernel") and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a file that skips itself while it is imported, if it has kernel tests."""
    report = yield
    if KERNEL_REQUIRED and report.skipped and "mark.kernel" in collector.path.read_text():
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skipped report into a failed one, unless its reason may stand."""
    if not report.skipped or not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED_REASON):
        report.outcome = "failed"
        report.longrepr = f"skipped although FT_REQUIRE_KERNEL=1: {reason}"
