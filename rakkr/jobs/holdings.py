"""What of the journals' files the controller holds, and what somebody still needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import attrs

from rakkr.disk.holding import NEEDED, Holding, Proof, Standing
from rakkr.jobs.naming import stem_of
from rakkr.jobs.records import DELIVERED
from rakkr.jobs.remembered import Remembered


def is_delivered(known: Remembered) -> bool:
    """Whether a job is over and the controller has receipted all that it had."""
    if known.done is None or known.done.ending != DELIVERED:
        return False
    return known.is_delivered or _left_and_sent(known)


def standing_of(known: Remembered) -> Standing:
    """How far a job's files are; the one rule for what may never be deleted."""
    if is_delivered(known):
        return "delivered"
    if not known.is_over:
        return "unfinished"
    return "salvage" if known.is_salvage else "undelivered"


def needed_files(known: Sequence[Remembered]) -> set[Path]:
    """
    The files of recordings that are not over, or were kept because nobody took them.

    So are those of a delivered recording that another job is at work on: a controller that asks for
    it once more may have given up what it had.
    """
    busy = _unfinished_recordings(known)
    return {
        path
        for each in known
        if standing_of(each) in NEEDED or (each.job.recording_id in busy and is_delivered(each))
        for path in each.local_paths()
    }


def holdings_of(known: Sequence[Remembered]) -> list[Holding]:
    """
    Say what there is of each recording, what was delivered first first.

    What several jobs delivered of one recording is one holding, under the youngest of them; it has
    the files of jobs, too, that handed their audio over to it.
    """
    delivered: dict[str, Holding] = {}
    others: list[Holding] = []
    by_job = {each.job.id: each for each in known}
    for each in sorted(known, key=lambda each: each.last_wall):
        heir = _heir(each, by_job)
        if is_delivered(each):
            mine = _holding(each)
            delivered[each.job.recording_id] = _joined(mine, delivered.get(mine.recording_id))
        elif heir is None and each.local_paths():
            others.append(_holding(each))
    for each in known:
        heir = _heir(each, by_job)
        if heir is not None:
            before = delivered[heir.job.recording_id]
            delivered[heir.job.recording_id] = _joined(before, _holding(each))
    busy = _unfinished_recordings(known)
    whole = (_awaited(each) if each.recording_id in busy else each for each in delivered.values())
    return [*(each for each in whole if each.files), *others]


def with_lost(
    holdings: Sequence[Holding], lost: Collection[Path], *, unread: bool
) -> list[Holding]:
    """
    Have everything stay that journals may name which nobody can read.

    :param lost: what damaged ones name.
    :param unread: whether one could not be read at all: it may need any file.
    """
    found = [_unsure(each) if unread else each for each in holdings]
    if lost:
        files = tuple(sorted(lost))
        why = "a damaged journal names it; --attach-cache-file sends it"
        found.append(
            Holding(
                recording_id="",
                standing="salvage",
                files=files,
                output=files[0],
                raw=files[0],
                why=why,
            )
        )
    return found


def _unsure(held: Holding) -> Holding:
    if held.standing in NEEDED:
        return held
    why = "a journal cannot be read, and may need these files"
    return attrs.evolve(held, standing="unfinished", why=why)


def _unfinished_recordings(known: Iterable[Remembered]) -> set[str]:
    return {each.job.recording_id for each in known if not each.is_over}


def _awaited(held: Holding) -> Holding:
    return attrs.evolve(held, standing="unfinished", why="another job of it is not over")


def _left_and_sent(known: Remembered) -> bool:
    """Whether a job was taken over as files, and each of them was sent as it is."""
    only_files = known.recorded is None and not known.segments
    return only_files and bool(known.rendered) and known.rendered.keys() <= known.receipts.keys()


def _heir(known: Remembered, by_job: dict[str, Remembered]) -> Remembered | None:
    """Find the job that delivered all the audio that this one handed over."""
    heir = known
    for _ in range(len(by_job)):
        if heir.handed_to is None:
            break
        following = by_job.get(heir.handed_to)
        if following is None:
            return None
        heir = following
    whole, part = heir.recorded, known.recorded
    if heir is known or not is_delivered(heir) or whole is None or part is None:
        return None
    start = max(part.start_frame, known.punched)  # what was before it is not here any more
    covers = whole.start_frame <= start and part.end_frame <= whole.end_frame
    return heir if covers else None


def _joined(newer: Holding, older: Holding | None) -> Holding:
    if older is None:
        return newer
    files = dict.fromkeys([*newer.files, *older.files])
    jobs = dict.fromkeys([*newer.job_ids, *older.job_ids])
    settled = newer.settled and older.settled
    return attrs.evolve(newer, files=tuple(files), job_ids=tuple(jobs), settled=settled)


def _holding(known: Remembered) -> Holding:
    files = known.local_paths()
    standing = standing_of(known)
    captured = [each.path for each in known.segments.values() if each.path is not None]
    sent = known.sending[max(known.sending)].path if known.sending else None
    raw = captured[0] if captured else sent or (files[0] if files else Path())
    whole = sent is not None and len(known.receipts) == 1
    report = None
    if known.planned is not None and captured:
        report = raw.with_name(f"{stem_of(known.planned.file_name)}.report.json")
    return Holding(
        recording_id=known.job.recording_id,
        standing=standing,
        files=files,
        output=sent if whole and sent is not None else raw,
        raw=raw,
        job_ids=(known.job.id,),
        policy=known.job.command.recorder_cache_retention,
        proof=_proof(known) if standing == "delivered" else None,
        report=report,
        unsent=_unsent(known),
        settled=all(each.sealed is not None for each in known.segments.values()),
        since=known.last_wall,
        why=_why(known, standing),
    )


def _unsent(known: Remembered) -> bool:
    """Whether there may be samples that no receipt covers; a gap has none."""
    if known.recorded is None:
        return True
    left = sum(each.frames for each in known.undelivered)
    gaps = [
        min(gap.end_frame, each.end) - max(gap.start_frame, each.start)
        for each in known.undelivered
        for gap in known.recorded.gaps
    ]
    return left > sum(max(0, frames) for frames in gaps)


def _proof(known: Remembered) -> Proof:
    receipts = known.receipts
    return Proof(
        checksum=receipts[max(receipts)].checksum,
        size=sum(each.size for each in receipts.values()),
        parts=len(receipts),
        uploaded=max(each.wall for each in receipts.values()),
    )


def _why(known: Remembered, standing: Standing) -> str:
    if standing == "unfinished":
        return f"its job is not over ({known.stage.value})"
    if standing == "salvage" and known.salvaged is not None:
        return f"it waits for a retry: {known.salvaged.reason}"
    if known.handed_to is not None:
        return f"its recording was handed over to job {known.handed_to}"
    return "" if known.done is None else known.done.detail
