"""
The list of recordings that are kept here, in the contract's form (cache-retention 2) and more.

The reference agent reads ours, and we read its.  Anybody can write such a file, so nothing is ever
deleted on its word: an entry that no journal bears out is kept in the list, and that is all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from rakkr.controller.errors import BadMessage
from rakkr.controller.messages import CacheRetention
from rakkr.controller.structuring import structure
from rakkr.disk.holding import Holding, OnDisk, Proof
from rakkr.stamps import format_stamp, parse_stamp

VERSION: Final = 1
_HEAD: Final = b'{"entries":[\n'
_TAIL: Final = b'\n],"version":%d}\n' % VERSION
FOREIGN: Final = "no receipt of this agent is known"
LOST: Final = "its journal is lost, so nobody knows what needs these files"


class BadManifest(ValueError):
    """A manifest that cannot be read; the message says why."""


@attrs.frozen
class Entry:
    """
    One recording of the list.

    :ivar found: its files as they were when they were put down, by path.
    """

    holding: Holding
    found: Mapping[Path, OnDisk]


def manifest_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """
    Write the list, an entry a line.

    Entry by entry, so that other threads get their turn, and no long list is there as a whole: one
    of 100,000 takes seconds, and has 70 MB.
    """
    yield _HEAD
    between = ""
    for each in entries:
        yield (between + json.dumps(_document(each), separators=(",", ":"))).encode("ascii")
        between = ",\n"
    yield _TAIL


def encode_manifest(entries: Iterable[Entry]) -> bytes:
    """Write a short list."""
    return b"".join(manifest_lines(entries))


def decode_manifest(
    content: bytes, held_by: Callable[[str], Holding | None] = lambda _: None
) -> tuple[list[Entry], list[str]]:
    """
    Read the list; an entry that cannot be read is named and left out.

    :param held_by: finds what a job's journal says; for a recording that is as it was listed, that
        counts, and is not made a second time.
    :returns: the entries, and a sentence for each that is left out.
    :raises BadManifest: when it is no list at all.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    reader = _Reader(held_by)
    for number, each in enumerate(_plain(content)):
        try:
            entries.append(reader.entry(each))
        except (KeyError, TypeError, ValueError, OverflowError, BadMessage) as error:
            problems.append(f"entry {number} cannot be read: {error!r:.200}")
    return entries, problems


def _plain(content: bytes) -> Iterator[Any]:
    """
    The entries as JSON has them, one after another.

    What we wrote is read a line at a time: all of a long list at once would take much memory.
    """
    if content.startswith(_HEAD) and content.endswith(_TAIL):
        lines = io.BytesIO(content)  # it makes no copy
        lines.readline()
        for line in lines:
            if lines.tell() == len(content):
                return
            if line != b"\n":
                try:
                    yield json.loads(line.rstrip(b",\n"))
                except (ValueError, RecursionError):
                    yield None  # this one is no entry
        return
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadManifest(f"decode recorder cache manifest: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("entries"), list):
        raise BadManifest("decode recorder cache manifest: it has no list of entries")
    if data.get("version") != VERSION:
        raise BadManifest(f"decode recorder cache manifest: version {data.get('version')!r:.20}")
    yield from data["entries"]


def _document(entry: Entry) -> dict[str, Any]:
    held = entry.holding
    document: dict[str, Any] = {
        "outputPath": str(held.output),
        "policyId": "" if held.policy is None else held.policy.policy_id,
        "rawOutputPath": str(held.raw),
        "recordingId": held.recording_id,
    }
    if held.proof is None:
        return document
    return document | {
        "files": [_file(path, found) for path, found in entry.found.items()],
        "jobIds": list(held.job_ids),
        "policy": None if held.policy is None else held.policy.as_dict(),
        "receipt": {
            "checksum": held.proof.checksum,
            "parts": held.proof.parts,
            "size": held.proof.size,
        },
        "reportPath": None if held.report is None else str(held.report),
        "uploadedAt": format_stamp(held.proof.uploaded),
    }


def _file(path: Path, found: OnDisk) -> dict[str, Any]:
    return {"bytes": found.size, "modifiedNs": found.modified, "path": str(path)}


class _Reader:
    """Reads entries; what many of them have alike is one object."""

    def __init__(self, held_by: Callable[[str], Holding | None]) -> None:
        self._held_by = held_by
        self._policies: dict[str, CacheRetention | None] = {}

    def entry(self, data: Mapping[str, Any]) -> Entry:
        """Read one; raises whatever is wrong with it."""
        recording, receipt = _text(data["recordingId"]), data.get("receipt")
        if receipt is None:
            output, raw = Path(_text(data["outputPath"])), Path(_text(data["rawOutputPath"]))
            return Entry(_foreign(recording, output, raw, _text(data["policyId"])), {})
        jobs = tuple(_text(each) for each in data["jobIds"])
        known = self._held_by(jobs[0]) if jobs else None
        if known is not None and (known.recording_id, known.job_ids) == (recording, jobs):
            paths = {str(path): path for path in known.files}
            return Entry(known, _files(data, paths))
        return self._lost(data, recording, jobs)

    def _lost(self, data: Mapping[str, Any], recording: str, jobs: tuple[str, ...]) -> Entry:
        paths: dict[str, Path] = {}
        found, receipt = _files(data, paths), data["receipt"]

        def path_of(value: object) -> Path:
            text = _text(value)
            return paths.get(text) or Path(text)

        uploaded = parse_stamp(_text(data["uploadedAt"]))
        size, parts = _number(receipt["size"]), _number(receipt["parts"])
        report = data.get("reportPath")
        held = Holding(
            recording_id=recording,
            standing="undelivered",
            files=tuple(found),
            output=path_of(data["outputPath"]),
            raw=path_of(data["rawOutputPath"]),
            job_ids=jobs,
            policy=self._policy(data.get("policy")),
            proof=Proof(_text(receipt["checksum"]), size, parts, uploaded),
            report=None if report is None else path_of(report),
            since=uploaded,
            why=LOST,
        )
        return Entry(held, found)

    def _policy(self, data: object) -> CacheRetention | None:
        key = json.dumps(data, sort_keys=True)
        if key not in self._policies:
            read = None if data is None else structure(data, CacheRetention, "a policy")
            self._policies[key] = read
        return self._policies[key]


def _foreign(recording: str, output: Path, raw: Path, policy_id: str) -> Holding:
    return Holding(
        recording_id=recording,
        standing="undelivered",
        files=tuple(dict.fromkeys((output, raw))),
        output=output,
        raw=raw,
        policy=CacheRetention(policy_id=policy_id) if policy_id else None,
        why=FOREIGN,
    )


def _files(data: Mapping[str, Any], paths: dict[str, Path]) -> dict[Path, OnDisk]:
    """Read what the files were like; paths that are there already are used, others added."""
    files: dict[Path, OnDisk] = {}
    for each in data["files"]:
        name, modified = _text(each["path"]), each.get("modifiedNs")
        if name not in paths:
            paths[name] = Path(name)
        modified = None if modified is None else _number(modified)
        files[paths[name]] = OnDisk(_number(each["bytes"]), 0, modified)
    return files


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r:.60} is no number")
    return value
