"""The two directories with the journals of all jobs; everything here blocks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from rakkr.jobs.journal_file import JournalFile
from rakkr.jobs.naming import safe_stem
from rakkr.jobs.record_form import NoRecord, decode_record
from rakkr.jobs.remembered import NothingRemembered, Remembered, remember
from rakkr.jobs.trouble import Trouble, set_aside

_SUFFIX: Final = ".jsonl"
_PATH: Final = re.compile(rb'"path":("/(?:[^"\\]|\\.)*")')
_READABLE: Final = 80  # characters of the id in the name; the rest of the name is unique


def journal_name(job_id: str) -> str:
    """
    The name of a job's journal: readable, safe on any file system, and no other job's.

    :param job_id: chosen by a controller, so any text.
    """
    digest = hashlib.sha256(job_id.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{safe_stem(job_id)[:_READABLE]}-{digest}{_SUFFIX}"


@attrs.frozen
class Found:
    """A journal that can be read."""

    file: JournalFile
    remembered: Remembered


@attrs.frozen
class Archive:
    """
    Where journals are kept.

    :ivar directories: two, best on two disks; either may be missing, or not be there yet.
    """

    directories: tuple[Path, ...]

    @classmethod
    def of(cls, state_file: Path, capture_directory: Path) -> Archive:
        """The archive of an agent: beside its state file, and beside its captures."""
        return cls((state_file.parent / "jobs", capture_directory / ".journal"))

    def paths(self, name: str) -> tuple[Path, ...]:
        """The copies of a journal."""
        return tuple(directory / name for directory in self.directories)

    def new(self, job_id: str) -> JournalFile:
        """An empty journal; nothing is written yet."""
        return JournalFile(self.paths(journal_name(job_id)))

    def read(self) -> tuple[list[Found], list[Trouble]]:
        """
        Read all journals, and change nothing.

        :returns: those that can be read, the oldest claim first, and what is wrong with others.
        """
        found: dict[str, Found] = {}
        troubles: list[Trouble] = []
        for name in sorted(set(self._names())):
            paths = self.paths(name)
            try:
                file = JournalFile.load(paths)
                each = Found(file, remember(map(decode_record, file.records)))
            except OSError as error:
                troubles.append(Trouble("unreadable", paths[0], str(error)))
            except (NothingRemembered, NoRecord) as error:
                troubles += [
                    Trouble("damaged", path, str(error)) for path in paths if path.exists()
                ]
            else:
                job_id = each.remembered.job.id
                rival = found.get(job_id)
                named_so = name == journal_name(job_id)
                if rival is not None:
                    loser = rival if named_so else each
                    troubles.append(Trouble("double", loser.file.paths[0], job_id))
                if rival is None or named_so:
                    found[job_id] = each
        return sorted(found.values(), key=lambda each: each.remembered.claimed.wall), troubles

    def open(self) -> tuple[list[Found], list[Trouble]]:
        """Read all journals, set aside those that are of no use, and clear what writes left."""
        found, troubles = self.read()
        for directory in self.directories:
            for draft in directory.glob(f".*{_SUFFIX}.*.tmp"):
                draft.unlink(missing_ok=True)
        return found, [_put_away(each) for each in troubles]

    def lost_files(self, troubles: Iterable[Trouble]) -> set[Path]:
        """
        The files that damaged journals name, as far as that can be read, ones set aside included.

        :param troubles: what :meth:`read` or :meth:`open` found.
        """
        damaged = {each.path for each in troubles if each.what == "damaged"}
        for directory in self.directories:
            damaged.update(directory.glob(f"*{_SUFFIX}.damaged*"))
        return {path for each in damaged for path in _named_in(each)}

    def _names(self) -> Iterator[str]:
        for directory in self.directories:
            for path in directory.glob(f"*{_SUFFIX}"):
                if not path.name.startswith("."):
                    yield path.name


def _put_away(trouble: Trouble) -> Trouble:
    if trouble.what != "damaged":
        return trouble
    try:
        return attrs.evolve(trouble, path=set_aside(trouble.path))
    except OSError as error:
        return Trouble("unreadable", trouble.path, f"{trouble.error} ({error})")


def _named_in(damaged: Path) -> Iterator[Path]:
    try:
        content = damaged.read_bytes()
    except OSError:
        return  # reported when it was set aside
    for text in _PATH.findall(content):
        with contextlib.suppress(ValueError):
            yield Path(json.loads(text))


def without_audio(known: Sequence[Remembered]) -> list[str]:
    """The jobs of which no file is left."""
    return [each.job.id for each in known if not any(path.exists() for path in each.local_paths())]
