"""
What the end of a segment means for the rest of its window.

The rule of the house: capturing is tried again for as long as the window lasts.  Only what can
never work fails a job, and only at its first attempt: a USB card that was seen half enumerated
says for a moment that it has no channels, so after it has once worked nothing that it says is
final.

The sentences are those of ``arecord``, ``pw-record`` and ``jack_capture`` as they were measured,
those of the contract's jobs.md, section 10, and our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Final

from rakkr.capture.verdict import DISK_FULL

FIRST_SECONDS: Final = 0.5
FACTOR: Final = 1.7
LONGEST_SECONDS: Final = 10.0
"""A USB hub may need a minute to come back, and we want to be there soon after it."""
LONGEST_BUSY_SECONDS: Final = 2.0
"""Whoever holds a device may let go of it at any moment."""
_JITTER: Final = 0.25


class Loss(Enum):
    """
    Why a segment ended.

    ``LOST``: the device, or what serves it, is gone.  ``BUSY``: somebody else has it.
    ``HOPELESS``: the same call can never work.  ``DISK_FULL``: there is no room for the file.
    ``UNKNOWN``: nothing that is known here; as good as lost.
    """

    LOST = "lost"
    BUSY = "busy"
    HOPELESS = "hopeless"
    DISK_FULL = "disk_full"
    UNKNOWN = "unknown"


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# Our own words for a program that did not run at all (rakkr.capture.verdict and .prepare).
_NOT_RUN: Final = _any_of("^run capture command ")
_SOON_BETTER: Final = _any_of(
    "temporarily unavailable", "cannot allocate memory", "too many open files", "text file busy"
)
_NEVER_RUNS: Final = _any_of(
    *("not found", "failed to execute", "no such file or directory", "permission denied"),
    *("exec format error", "not a directory", "is a directory", "read-only file system"),
    *("file name too long", "operation not permitted", "cannot be given to a program"),
)
_GONE: Final = _any_of(
    # the contract's jobs.md, section 10
    *("input/output error", "no such device", "device disconnected", "device removed"),
    *("cannot find card", "unknown pcm", "broken pipe"),
    # arecord for a card that is not there, and after a suspend
    "cannot get card index",
    *("audio open error: no such file or directory", "file descriptor in bad state"),
    # PipeWire and JACK
    *("host is down", "remote error", "connection error", "jack shutdown"),
    "connection (refused|reset)",
    # rakkr.capture.tie
    *("^pipewire (lost|gave|does not)", "^jack (lost|does not)"),
)
_BUSY: Final = _any_of("device or resource busy")
_IMPOSSIBLE: Final = _any_of(
    # arecord, of the device
    *("channels count non available", "sample format non available"),
    *("rate non available", "access type not available"),
    # rakkr.capture.wrong_rate, rakkr.capture.programs, rakkr.capture.template
    r"delivers \d+ hz, not the \d+ hz that were asked for",
    *(r"\bcannot deliver ", "a capture cannot have ", "splits wav files at 2 gib"),
    "^nothing here can record ",
    r"capture args template\b",
    # usage errors of arecord, pw-record, jack_capture and rakkr-tone
    *("(unrecognized|unknown|invalid|illegal) (option|argument)", "option requires an argument"),
    *("wrong extended format", r"value \S+ for \S+ is invalid", "bad speed value"),
    *(r"sample format \S+ is not known", "unknown audio format"),
)
_GIVEN_UP: Final = _any_of(
    *("^capture output stalled", "^capture output is too small", "could not be killed"),
    "ended while no agent watched it",
)

_ORDER: Final = (
    (DISK_FULL, Loss.DISK_FULL),
    (_GONE, Loss.LOST),
    (_BUSY, Loss.BUSY),
    (_IMPOSSIBLE, Loss.HOPELESS),
    (_GIVEN_UP, Loss.LOST),
)


def classify(error: str) -> Loss:
    """
    Say why a segment ended.

    Of several reasons in one text the disk comes first, then a device that is gone: what such a
    device says of its formats means nothing.

    :param error: the outcome's one line, with what the program said.
    """
    if _NOT_RUN.search(error) and not DISK_FULL.search(error):
        if _SOON_BETTER.search(error):
            return Loss.UNKNOWN
        if _NEVER_RUNS.search(error):
            return Loss.HOPELESS
    return next((loss for pattern, loss in _ORDER if pattern.search(error)), Loss.UNKNOWN)


def decide(loss: Loss, *, worked_before: bool) -> bool:
    """
    Decide whether capturing is tried again.

    A full disk is not for this to decide: trying again would eat what the reserve gave back.

    :param worked_before: whether any attempt for this window delivered a frame.
    """
    return worked_before or loss is not Loss.HOPELESS


def backoff(attempt: int, random: Callable[[], float], loss: Loss = Loss.LOST) -> float:
    """
    Seconds to wait before an attempt is repeated.

    Half a second first, then longer by a factor each time up to a limit, of which up to a quarter
    is taken away by chance, so that what fails together does not come back together.

    :param attempt: how many attempts have failed in a row, from 1.
    :param random: a number from 0 to 1, like ``random.random``.
    """
    longest = LONGEST_BUSY_SECONDS if loss is Loss.BUSY else LONGEST_SECONDS
    seconds = FIRST_SECONDS
    for _ in range(1, attempt):
        if seconds >= longest:
            break
        seconds *= FACTOR
    return min(seconds, longest) * (1.0 - _JITTER * random())
