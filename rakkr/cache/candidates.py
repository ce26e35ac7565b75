"""Which files of which recordings may go at all: with a receipt, here, and needed by nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import attrs

from rakkr.cache.manifest import Entry
from rakkr.cache.rules import Rule, Rules
from rakkr.disk.holding import NEEDED, Holding, OnDisk


@attrs.frozen
class Survey:
    """
    What there is.

    :ivar holdings: of the journals, and of the manifest where no journal knows more.
    :ivar found: the files that exist, by path.
    :ivar needed: files that somebody still needs, or that have audio without a receipt.
    :ivar changed: files that are not any more what was delivered: somebody put others there.
    :ivar entries: the manifest as it should be, by recording; several of other agents at the end.
    :ivar gone: files that delivered jobs name and that are not there any more, by job.
    :ivar silent: jobs that are over, undelivered, and without a sample.
    :ivar newest_upload: when the youngest was delivered, in seconds since the epoch.
    """

    holdings: tuple[Holding, ...]
    found: Mapping[Path, OnDisk]
    needed: frozenset[Path]
    changed: frozenset[Path]
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
    :ivar files: those that may go.
    :ivar found: what each of them is, among others.
    """

    holding: Holding
    rule: Rule | None
    since: float
    files: tuple[Path, ...]
    found: Mapping[Path, OnDisk]


def survey(
    journals: Sequence[Holding],
    listed: Sequence[Entry],
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
    holdings = (*journals, *(each.holding for each in loose))
    for path in (path for each in holdings for path in each.files):
        if path in found or path in missing:
            continue  # it is a capture of several recordings
        try:
            there = look(path)
        except OSError:
            continue  # neither here nor gone
        if there is None:
            missing.add(path)
        else:
            found[path] = there
    silent = frozenset(_silent(journals, found, missing, is_silent))
    needed = frozenset(_needed(holdings, silent))
    before = _put_down(listed, found)
    return Survey(
        holdings=holdings,
        found=found,
        needed=needed,
        changed=frozenset(path for path, then in before.items() if not then.became(found[path])),
        entries=(
            *_entries(journals, found, before, missing, needed),
            *_still_there(loose, missing),
        ),
        gone=_gone(journals, missing),
        silent=silent,
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
    stays = seen.needed.union(seen.changed, without)
    for each in seen.holdings:
        silent = any(job in seen.silent for job in each.job_ids)
        if each.standing != "delivered" and not silent:
            continue
        files = tuple(path for path in each.files if path in seen.found and path not in stays)
        if files:
            if len(files) == len(each.files):
                files = each.files  # most are; there need not be two of them
            rule = rules.without_audio if each.proof is None else rules.of(each)
            since = each.since if each.proof is None else each.proof.uploaded
            chosen.append(Candidate(each, rule, since, files, seen.found))
    return chosen


def _of_nobody(listed: Iterable[Entry], journals: Iterable[Holding]) -> Iterable[Entry]:
    """What only the manifest knows: its journal is lost, or another agent wrote it."""
    known_jobs = {job for each in journals for job in each.job_ids}
    loose = [entry for entry in listed if known_jobs.isdisjoint(entry.holding.job_ids)]
    claimed = {path for each in journals for path in each.files} if loose else set()
    for entry in loose:
        held = entry.holding
        if claimed.isdisjoint(held.files):
            yield entry
        else:
            files = tuple(path for path in held.files if path not in claimed)
            yield attrs.evolve(entry, holding=attrs.evolve(held, files=files))


def _silent(
    journals: Iterable[Holding],
    found: Mapping[Path, OnDisk],
    missing: Collection[Path],
    is_silent: Callable[[Path], bool],
) -> Iterable[str]:
    """The jobs that are over, undelivered, and left files without a sample."""
    for each in journals:
        here = [path for path in each.files if path not in missing]
        over = each.standing == "undelivered" and bool(here)
        if over and all(path in found and is_silent(path) for path in here):
            yield from each.job_ids


def _needed(holdings: Iterable[Holding], silent: AbstractSet[str]) -> Iterable[Path]:
    """
    Files that may not go, whoever else delivered what is in them.

    A job that failed may have frames in the capture of a group that only it had.
    """
    for each in holdings:
        only_copy = each.standing == "undelivered" and each.unsent
        if each.standing in NEEDED or (only_copy and silent.isdisjoint(each.job_ids)):
            yield from each.files


def _put_down(listed: Iterable[Entry], found: Mapping[Path, OnDisk]) -> dict[Path, OnDisk]:
    """What the list says of files that are here and are not written to any more."""
    return {
        path: then
        for each in listed
        for path, then in each.found.items()
        if then.modified is not None and path in found
    }


def _entries(
    journals: Iterable[Holding],
    found: Mapping[Path, OnDisk],
    before: Mapping[Path, OnDisk],
    missing: Collection[Path],
    needed: AbstractSet[Path],
) -> Iterable[Entry]:
    """The entries of what was delivered; a file that may still be written to is put down so."""
    for each in journals:
        if each.proof is not None and any(path not in missing for path in each.files):
            files: dict[Path, OnDisk] = {}
            for path in each.files:
                there = before.get(path) or found.get(path)
                if there is None:
                    continue
                if path not in before and (path in needed or not each.settled):
                    there = attrs.evolve(there, modified=None)
                files[path] = there
            yield Entry(each, files)


def _still_there(loose: Iterable[Entry], missing: Collection[Path]) -> Iterable[Entry]:
    for entry in loose:
        here = tuple(path for path in entry.holding.files if path not in missing)
        if not here:
            continue
        if entry.holding.proof is None or len(here) == len(entry.found):
            yield entry
        else:
            found = {path: entry.found[path] for path in here}
            yield Entry(attrs.evolve(entry.holding, files=here), found)


def _gone(holdings: Iterable[Holding], missing: Collection[Path]) -> dict[str, frozenset[Path]]:
    gone: dict[str, frozenset[Path]] = {}
    for each in holdings:
        paths = frozenset(path for path in each.files if path in missing)
        if each.standing == "delivered" and paths:
            gone |= dict.fromkeys(each.job_ids, paths)
    return gone
