"""
Which process is meant, beyond its number.

Numbers are given again, so a process that another agent wrote down is known by three things
together: its number, the moment at which it began, and the boot of the machine.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import attrs

PROC: Final = Path("/proc")
_DEAD: Final = frozenset({"Z", "X", "x"})
# proc(5): behind the name, which is the second field, stand the state, the third; the parent, the
# fourth; the group, the fifth; and the start time, the 22nd.
_PARENT, _GROUP, _START = 4 - 3, 5 - 3, 22 - 3


@attrs.frozen
class ProcessIdentity:
    """
    One process, told from every other.

    :ivar start_ticks: when it began, in clock ticks since the boot.
    :ivar boot_id: the boot of the machine; "" where it is not known.
    """

    pid: int
    start_ticks: int
    boot_id: str


def boot_id(proc: Path = PROC) -> str:
    """Name the present boot of the machine; "" where the system does not say."""
    try:
        return (proc / "sys" / "kernel" / "random" / "boot_id").read_text("ascii").strip()
    except (OSError, UnicodeError):
        return ""


def identify(pid: int, proc: Path = PROC) -> ProcessIdentity | None:
    """Find out which process has this number; None when none has, or only a dead one."""
    fields = _fields(proc / str(pid))
    return None if fields is None else ProcessIdentity(pid, fields[_START], boot_id(proc))


def lives(identity: ProcessIdentity, proc: Path = PROC) -> bool:
    """Whether that very process is still there; a zombie is not."""
    return identify(identity.pid, proc) == identity


def group_of(pid: int, proc: Path = PROC) -> int | None:
    """Say in which process group a process is; None when there is no such living process."""
    fields = _fields(proc / str(pid))
    return None if fields is None else fields[_GROUP]


def anybody_in(group: int, proc: Path = PROC) -> bool:
    """
    Whether a living process is in a process group.

    ``killpg`` counts the dead, too, and an orphan stays one of them until init finds the time.
    """
    everybody = (_fields(each) for each in proc.iterdir() if each.name.isdecimal())
    return any(fields is not None and fields[_GROUP] == group for fields in everybody)


def holders(path: Path, proc: Path = PROC) -> list[int]:
    """
    Find the processes that have a file open for writing; readers do not count.

    This process does not, and neither do its children, which may be on their way to another program
    with our descriptors still open.

    Blocks: it looks at every open file of every process that we may look into.

    :returns: their process ids, in ascending order; none when there is no file.
    """
    try:
        wanted = path.stat()
    except OSError:
        return []
    numbers = (int(each.name) for each in proc.iterdir() if each.name.isdecimal())
    strangers = (pid for pid in numbers if not _ours(pid, proc))
    return sorted(pid for pid in strangers if _writes(proc / str(pid), wanted))


def _ours(pid: int, proc: Path) -> bool:
    fields = _fields(proc / str(pid))
    return pid == os.getpid() or (fields is not None and fields[_PARENT] == os.getpid())


def _fields(process: Path) -> list[int] | None:
    """Read the numbers of a living process's stat, the state as 0; None for a dead one."""
    try:
        stat = (process / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name stands in parentheses, and may itself hold spaces and parentheses.
    state, *numbers = stat.rpartition(")")[2].split() or ("X",)
    try:
        fields = [0, *map(int, numbers)]
    except ValueError:
        return None
    return None if state in _DEAD or len(fields) <= _START else fields


def _writes(process: Path, wanted: os.stat_result) -> bool:
    with contextlib.suppress(OSError):  # it is gone, or somebody else's
        return any(_is_open(process, each, wanted) for each in (process / "fd").iterdir())
    return False


def _is_open(process: Path, descriptor: Path, wanted: os.stat_result) -> bool:
    try:
        found = descriptor.stat()
        if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino):
            return False
        info = (process / "fdinfo" / descriptor.name).read_text("ascii")
    except OSError:  # it was closed meanwhile
        return False
    flags = next((line for line in info.splitlines() if line.startswith("flags:")), "flags: 0")
    return int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
