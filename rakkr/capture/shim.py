"""
The parent of a capture program, which outlives the agent: ``shim.py LEASH EXIT program args...``

A program of its own, run as ``python -I -S``, so it imports nothing of ours.  It is not on the way
of the audio: the program gets its descriptors as they are.  It does two things that only a parent
can do when the agent is gone.  It ends the program at a moment that stands in the file LEASH
(seconds of ``CLOCK_MONOTONIC``), which the agent pushes out for as long as somebody needs more.
And it writes down in the file EXIT how the program ended::

    {"code": 1, "signal": null, "endedAt": 5123.25, "leash": false}

Then it ends in the same way.  Signals for the group pass it by, so that the program gets them and
it does not: INT ends the program, and the shim a moment later, when EXIT is written.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from typing import NoReturn

LOOK_SECONDS = 2.0
"""How often the leash is read again, at least."""
KILL_SECONDS = 10.0
"""From the INT at the end of the leash until the program is killed."""
LONGEST_SECONDS = 86400.0
"""The leash of a program whose leash could never be read."""

_NOT_FOUND, _NOT_EXECUTED = 127, 126
_ASKING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_NEVER_CAUGHT = {signal.SIGKILL, signal.SIGSTOP}


def main(argv: list[str]) -> NoReturn:
    """Run ``argv[2:]`` on the leash ``argv[0]``, and write its end into ``argv[1]``."""
    # Blocked, not ignored: what came before the program was there can be passed on.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*_ASKING, signal.SIGCHLD})
    with contextlib.suppress(PermissionError):  # it leads a group already
        os.setsid()
    leash, note, *command = argv
    try:
        child = _start(command)
    except OSError as error:
        print(f"shim: failed to execute {command[0]}: {error.strerror}", file=sys.stderr)
        missing = isinstance(error, FileNotFoundError)
        sys.exit(_NOT_FOUND if missing else _NOT_EXECUTED)
    for number in _ASKING & signal.sigpending():
        os.kill(child, number)
    status, leashed, killed = _wait(child, leash)
    _note(note, status, leashed=leashed)
    if killed:  # a wrapper, perhaps, whose program is still there
        os.killpg(0, signal.SIGKILL)
    _end_like(status)


def _start(command: list[str]) -> int:
    every = signal.valid_signals() - _NEVER_CAUGHT
    return os.posix_spawnp(command[0], command, os.environ, setsigmask=(), setsigdef=every)


def _wait(child: int, leash: str) -> tuple[int, bool, bool]:
    """Wait for the end; says how it was, and whether the leash or even force was needed."""
    end = time.monotonic() + LONGEST_SECONDS
    kill_at = math.inf
    killed = False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), kill_at < math.inf, killed
        end = _read(leash, end)
        now = time.monotonic()
        if now >= kill_at:
            os.kill(child, signal.SIGKILL)
            killed = True
        elif now >= end and kill_at == math.inf:
            kill_at = now + KILL_SECONDS
            os.killpg(0, signal.SIGINT)
        due = end if kill_at == math.inf else kill_at
        signal.sigtimedwait({signal.SIGCHLD}, min(LOOK_SECONDS, max(0.05, due - now)))


def _read(leash: str, known: float) -> float:
    try:
        with open(leash, "rb") as file:  # noqa: PTH123 - pathlib would take long to import
            end = float(file.read(64))
    except (OSError, ValueError):
        return known
    return end if math.isfinite(end) else known


def _note(path: str, status: int, *, leashed: bool) -> None:
    """Say how it ended; a disk that takes no note must not change how we end."""
    end = {
        "code": status if status >= 0 else None,
        "signal": -status if status < 0 else None,
        "endedAt": time.monotonic(),
        "leash": leashed,
    }
    draft = f"{path}.tmp"
    with contextlib.suppress(OSError):
        with open(draft, "w", encoding="ascii") as file:  # noqa: PTH123 - as above
            json.dump(end, file)
        os.replace(draft, path)  # noqa: PTH105 - as above


def _end_like(status: int) -> NoReturn:
    if status >= 0:
        sys.exit(status)
    import resource

    number = -status
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program has left its own
    if number not in _NEVER_CAUGHT:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    sys.exit(128 + number)  # not reached by any signal that ends a process


if __name__ == "__main__":
    main(sys.argv[1:])
