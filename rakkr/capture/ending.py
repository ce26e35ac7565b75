"""From the end of a capture program to the outcome of its capture."""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from rakkr.capture.conclusion import Left, conclude
from rakkr.capture.exit_note import ExitNote
from rakkr.capture.outcome import CaptureOutcome, Completed, StartFailed
from rakkr.capture.request import CaptureLimits
from rakkr.capture.seal import Sealed, seal, tidy
from rakkr.capture.session import end_group
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.trace import Trace
from rakkr.capture.verdict import Ending
from rakkr.capture.watch import Watch
from rakkr.ladder import Exit
from rakkr.process_identity import boot_id

log = Logger()

_AT_ONCE_SECONDS = 0.04
_TAIL_SECONDS = 0.25
"""What a program that was asked to end may still write; arecord has 125 ms at a time."""


@attrs.frozen(kw_only=True)
class Ended:
    """
    A capture whose program is gone.

    :ivar how: how it ended, as far as its parent or nobody knows.
    :ivar asked: whether we had asked it to end.
    :ivar asked_at: when that was, if we did.
    :ivar stopped: whether ``stop()`` had.
    :ivar group: the process group that it led, None when that is not surely known.
    :ivar cut: whether we know that nobody needs more than was wanted.
    :ivar unwatched: whether it ended before we looked at it even once.
    """

    watch: Watch
    trace: Trace
    how: Exit
    asked: bool
    asked_at: float | None
    stopped: bool
    group: int | None
    cut: bool
    unwatched: bool


async def finish(ended: Ended, limits: CaptureLimits, world: Surroundings) -> CaptureOutcome:
    """Finish the files, and decide what has become of the capture."""
    watch, files = ended.watch, ended.watch.files
    end = world.clock.seconds()
    if ended.group is not None and not ended.how.abandoned:
        await _end_others(ended, ended.group, limits, world)
    lingered = world.clock.seconds() > end + _AT_ONCE_SECONDS
    most = watch.window.wanted if ended.cut and not ended.how.abandoned else None
    try:
        sealed = await watch.disk.run(world.in_thread, seal, files, most, watch.lost)
    except Exception as error:  # noqa: BLE001 - every end has an outcome
        log.failure("{path} could not be sealed", path=files.storage.path)
        sealed = Sealed(None, None, f"{files.storage.path} could not be finished: {error}")
    if sealed.trouble is not None:
        log.error("{trouble}", trouble=sealed.trouble)
    if files.messages.unread:
        log.warn("{count} lines in {path} were not read", **_flood(ended))
    if ended.unwatched:
        end = _unwatched_end(ended, sealed, world)
    elif lingered:
        end = world.clock.seconds()
    elif sealed.note is not None:
        end = min(end, sealed.note.ended_at)
    if ended.asked_at is not None:  # it recorded until then, and took its time to be gone
        end = min(end, ended.asked_at + _TAIL_SECONDS)
    outcome = _outcome(ended, sealed, limits, end)
    good = isinstance(outcome, Completed) and files.messages.dropouts.count == 0
    unneeded = good or isinstance(outcome, StartFailed)
    await world.in_thread(tidy, files, unneeded)
    return outcome


def _flood(ended: Ended) -> dict[str, object]:
    messages = ended.watch.files.messages
    return {"count": messages.unread, "path": messages.path}


async def _end_others(ended: Ended, group: int, limits: CaptureLimits, world: Surroundings) -> None:
    """A wrapper may end before the program that it called, which still writes."""
    grace, asked = limits.stop_grace_seconds, ended.asked
    if not await end_group(world.clock, group, grace=grace, asked=asked):
        log.error("{command} left processes that run on", command=ended.trace.argv[0])


def _unwatched_end(ended: Ended, sealed: Sealed, world: Surroundings) -> float:
    """
    Reckon when a capture ended that nobody watched, which may be in an earlier boot.

    Where its shim could not say it, as on a full disk, the file's own stamp is believed as far as
    it makes sense: it is no earlier than the samples took, and no later than now.
    """
    if sealed.note is not None:
        return sealed.note.ended_at
    trace = ended.trace
    began = trace.spawned_at if trace.started_at is None else trace.started_at
    frame_bytes = ended.watch.files.launch.format.frame_bytes(trace.channels)
    soonest = began + sealed.captured_bytes // frame_bytes / trace.rate
    known = trace.started_at is not None or trace.boot_id != boot_id(world.proc)
    if known or sealed.silent_seconds is None:
        return soonest
    return max(soonest, world.clock.seconds() - sealed.silent_seconds)


def _known(how: Exit, note: ExitNote | None) -> Exit:
    """Take the shim's word where nobody else knows."""
    return Exit(note.code, note.signal) if how.unknown and note is not None else how


def _outcome(ended: Ended, sealed: Sealed, limits: CaptureLimits, end: float) -> CaptureOutcome:
    watch, trace, audio = ended.watch, ended.trace, sealed.audio
    messages, how = watch.files.messages, _known(ended.how, sealed.note)
    asked = ended.asked or (sealed.note is not None and sealed.note.leashed)
    watch.progress.seen(sealed.size, sealed.captured_bytes, end)
    timing = None
    if audio is not None:
        worked = watch.stall is None and watch.lost is None
        to_the_end = worked and (asked or how.code == 0)
        timing = watch.progress.timing(end, audio.frames, to_the_end=to_the_end)
        if timing is not None and audio.rate != trace.rate:
            timing = attrs.evolve(timing, drift_ppm=None, missing_frames=0)
    watch.progress.bytes = sealed.audio_bytes or 0
    wanted, wrong = watch.window.wanted, messages.wrong_rate
    ending = Ending(
        command=trace.argv[0],
        code=how.code,
        signal=how.signal,
        refused=how.refused,
        abandoned=how.abandoned,
        asked=asked,
        stderr=messages.text,
        path=watch.files.storage.path,
        audio_bytes=sealed.audio_bytes,
        min_bytes=limits.min_output_bytes,
        unusable=sealed.error,
        wrong_rate=None if wrong is None else wrong.sentence(trace.device),
        unknown=how.unknown,
        complete=audio is not None
        and wanted is not None
        and audio.frames * trace.rate >= wanted * audio.rate,
        disk_full=sealed.disk_full,
    )
    left = Left(
        audio=audio,
        dropouts=messages.dropouts,
        timing=timing,
        stall=watch.stall,
        lost=watch.lost,
        wanted=trace.planned if wanted is None else wanted,
        rate=trace.rate,
        stopped=ended.stopped,
    )
    return conclude(ending, left)
