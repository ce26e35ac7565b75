"""Which files of which recordings may go at all: with a receipt, here, and needed by nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from rakkr.cache.manifest import Entry
from rakkr.cache.rules import Rule, Rules
from rakkr.disk.holding import Holding, needed_files


@attrs.frozen
class OnDisk:
    """
    A file that exists.

    :ivar size: its length.
    :ivar taken: bytes that deleting it gives back; less than its length where it has holes.
    """

    size: int
    taken: int


@attrs.frozen
class Survey:
    """
    What there is.

    :ivar holdings: of the journals, and of the manifest where no journal knows more.
    :ivar found: the files that exist, by path.
    :ivar needed: files that somebody still needs.
    :ivar entries: the manifest as it should be, by recording; several of other agents at the end.
    :ivar gone: files that delivered jobs name and that are not there any more, by job.
    :ivar silent: jobs that are over, undelivered, and without a sample.
    :ivar newest_upload: when the youngest was delivered, in seconds since the epoch.
    """

    holdings: tuple[Holding, ...]
    found: Mapping[Path, OnDisk]
    needed: frozenset[Path]
    entries: tuple[Entry, ...]
    gone: Mapping[str, frozenset[Path]]
    silent: frozenset[str]
    newest_upload: float | None


@attrs.frozen
class Candidate:
    """
    A recording that may lose files.

    :ivar rule: when; None if only a disk that gets short is a reason.
    :ivar since: when it was delivered, in seconds since the epoch.
    :ivar files: those that may go, with what that gives back.
    """

    holding: Holding
    rule: Rule | None
    since: float
    files: Mapping[Path, int]


def survey(
    journals: Sequence[Holding],
    listed: Iterable[Entry],
    look: Callable[[Path], OnDisk | None],
    is_silent: Callable[[Path], bool],
) -> Survey:
    """
    Look at everything that is named anywhere.

    :param listed: the manifest as it is.
    :param look: None for a file that is not there; raises OSError if nobody knows.
    :param is_silent: whether a file that exists has no sample in it.
    """
    loose = list(_of_nobody(listed, journals))
    found: dict[Path, OnDisk] = {}
    missing: set[Path] = set()
    everything = [*journals, *(each.holding for each in loose)]
    for path in dict.fromkeys(path for each in everything for path in each.files):
        try:
            there = look(path)
        except OSError:
            continue  # neither here nor gone
        if there is None:
            missing.add(path)
        else:
            found[path] = there
    kept = [each for each in (_unchanged(each, found) for each in loose) if each.holding.files]
    holdings = (*journals, *(each.holding for each in kept))
    return Survey(
        holdings=holdings,
        found=found,
        needed=frozenset(needed_files(holdings)),
        entries=(*_entries(journals, found, missing), *_still_there(kept, missing)),
        gone=_gone(journals, missing),
        silent=frozenset(
            job
            for each in journals
            if each.standing == "undelivered"
            if (here := [path for path in each.files if path not in missing])
            if all(path in found and is_silent(path) for path in here)
            for job in each.job_ids
        ),
        newest_upload=max(
            (each.proof.uploaded for each in holdings if each.proof is not None), default=None
        ),
    )


def candidates(seen: Survey, rules: Rules, without: Collection[Path] = ()) -> list[Candidate]:
    """
    Choose the recordings that may lose files.

    :param without: files to be left alone for other reasons.
    """
    chosen = []
    for each in seen.holdings:
        silent = any(job in seen.silent for job in each.job_ids)
        if each.proof is None and not silent:
            continue
        files = {
            path: seen.found[path].taken
            for path in each.files
            if path in seen.found and path not in seen.needed and path not in without
        }
        if files:
            rule = rules.without_audio if each.proof is None else rules.of(each)
            since = each.since if each.proof is None else each.proof.uploaded
            chosen.append(Candidate(each, rule, since, files))
    return chosen


def _of_nobody(listed: Iterable[Entry], journals: Iterable[Holding]) -> Iterable[Entry]:
    """What only the manifest knows: its journal is lost, or another agent wrote it."""
    known_jobs = {job for each in journals for job in each.job_ids}
    claimed = {path for each in journals for path in each.files}
    for entry in listed:
        held = entry.holding
        if any(job in known_jobs for job in held.job_ids):
            continue
        if claimed.isdisjoint(held.files):
            yield entry
        else:
            files = tuple(path for path in held.files if path not in claimed)
            yield attrs.evolve(entry, holding=attrs.evolve(held, files=files))


def _unchanged(entry: Entry, found: Mapping[Path, OnDisk]) -> Entry:
    """Leave out what is not the file any more that was put down; no journal says more of it."""
    held, then = entry.holding, entry.sizes
    if held.proof is None:
        return entry
    same = tuple(
        path for path in held.files if path not in found or found[path].size == then.get(path)
    )
    return entry if same == held.files else Entry(attrs.evolve(held, files=same), then)


def _entries(
    journals: Iterable[Holding], found: Mapping[Path, OnDisk], missing: Collection[Path]
) -> Iterable[Entry]:
    for each in journals:
        if each.proof is not None and any(path not in missing for path in each.files):
            yield Entry(each, {path: found[path].size for path in each.files if path in found})


def _still_there(loose: Iterable[Entry], missing: Collection[Path]) -> Iterable[Entry]:
    for entry in loose:
        here = tuple(path for path in entry.holding.files if path not in missing)
        if here == entry.holding.files or (here and entry.holding.proof is None):
            yield entry
        elif here:
            sizes = {path: entry.sizes[path] for path in here}
            yield Entry(attrs.evolve(entry.holding, files=here), sizes)


def _gone(holdings: Iterable[Holding], missing: Collection[Path]) -> dict[str, frozenset[Path]]:
    gone: dict[str, frozenset[Path]] = {}
    for each in holdings:
        paths = frozenset(path for path in each.files if path in missing)
        if each.standing == "delivered" and paths:
            gone |= dict.fromkeys(each.job_ids, paths)
    return gone
