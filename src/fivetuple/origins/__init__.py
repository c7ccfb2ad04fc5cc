"""Where a Snapshot comes from: this kernel, a file, another host. One file a scheme."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.origins.base import Origin


def open_origin(source: str | None, road: str | None, now_ns: int) -> Origin:
    """Return the origin that `--from` names; this kernel when it names none.

    source: a path, `-` for stdin, `ssh:[USER@]HOST`, or None; road: a name for --road, or None.

    Raises:
        BadInput: the source can't be read, or --road was given for what is no kernel.
    """
    if source is None:
        from fivetuple.origins.live import Live

        return Live(road, now_ns)
    if road is not None:
        from fivetuple.model.errors import BadInput

        raise BadInput("--road is about this machine's kernel; leave it out with --from")
    if source.startswith("ssh:"):
        from fivetuple.origins.ssh import Remote

        return Remote(source.removeprefix("ssh:"), now_ns)
    from fivetuple.origins.file import Stored

    return Stored(source, now_ns)
