"""Tests for ``rakkr.jobs.salvage_list``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.archive import Archive
from rakkr.jobs.record_form import encode_record
from rakkr.jobs.records import Record, Salvaged
from rakkr.jobs.salvage_list import list_salvage
from tests.fakes.threads import FakeThreads
from tests.jobs.remembering import claimed, planned, recorded, segment


class ListTests(SynchronousTestCase):
    """Reading what is kept, beside an agent that may be running."""

    def test_list(self) -> None:
        """What is kept is listed with its files' size; what is damaged is named, and stays."""
        directory = Path(tempfile.mkdtemp())
        archive = Archive.of(directory / "state.json", directory)
        path = directory / "a.wav"
        path.write_bytes(b"12345")
        records: list[Record] = [claimed(), planned(), *segment(1, path=path)]
        records += [*segment(2), recorded(), Salvaged("x")]
        archive.new("job_1").append([encode_record(each) for each in records])
        damaged = archive.directories[0] / "z.jsonl"
        damaged.write_bytes(b"rubbish")
        rows, troubles = self.successResultOf(list_salvage(archive, FakeThreads()))
        self.assertEqual([(row.bytes, row.paths) for row in rows], [(5, (str(path),))])
        self.assertEqual([each.path for each in troubles], [damaged])
        self.assertTrue(damaged.exists())
