"""Tests for ``rakkr.jobs.archive``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.archive import Archive, journal_name, without_audio
from rakkr.jobs.journal_line import encode_line
from rakkr.jobs.record_form import encode_record
from rakkr.jobs.records import Note, Record
from tests.jobs.remembering import claimed, known, planned, segment

_NAME = st.text(st.characters(), max_size=300)


class NameTests(SynchronousTestCase):
    """Names of journals."""

    @given(_NAME)
    def test_safe(self, job_id: str) -> None:
        """Whatever a controller calls a job, the name is short, plain, and stays in its place."""
        name = journal_name(job_id)
        self.assertRegex(name, r"\A[A-Za-z0-9_-]+\.jsonl\Z")
        self.assertLess(len(name), 120)

    @given(_NAME, _NAME)
    def test_unique(self, one: str, other: str) -> None:
        """Two jobs have two names, even where upper and lower case are the same."""
        if one != other:
            self.assertNotEqual(journal_name(one).lower(), journal_name(other).lower())

    def test_case(self) -> None:
        """The readable part alone would not do."""
        for one, other in (("job_A", "job_a"), ("a/b", "a_b"), ("x" * 200, "x" * 201)):
            self.assertNotEqual(journal_name(one).lower(), journal_name(other).lower())
        self.assertTrue(journal_name("job_1").startswith("job_1-"))


class ArchiveTests(SynchronousTestCase):
    """Two directories of journals."""

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp())
        self.archive = Archive.of(directory / "data" / "state.json", directory / "captures")
        self.first, self.second = self.archive.directories

    def keep(self, *records: Record) -> str:
        """Write a journal; returns its name."""
        file = self.archive.new(records[0].job.id)  # type: ignore[union-attr]
        file.append([encode_record(each) for each in records])
        return file.paths[0].name

    def test_places(self) -> None:
        """One is beside the state file, the other with the captures."""
        self.assertEqual((self.first.name, self.second.name), ("jobs", ".journal"))
        self.assertEqual(self.first.parent.name, "data")

    def test_empty(self) -> None:
        """Directories that are not there hold nothing, and are not made."""
        self.assertEqual(self.archive.open(), ([], []))
        self.assertFalse(self.first.exists())

    def test_read(self) -> None:
        """Every journal is found, the oldest claim first."""
        self.keep(claimed(1, wall=30.0))
        self.keep(claimed(2, wall=10.0), planned())
        found, troubles = self.archive.read()
        self.assertEqual([each.remembered.job.id for each in found], ["job_2", "job_1"])
        self.assertEqual(found[0].remembered, known(claimed(2, wall=10.0), planned()))
        self.assertEqual(troubles, [])

    def test_one_directory(self) -> None:
        """A journal in either of the two directories is enough."""
        for directory in self.archive.directories:
            name = self.keep(claimed(1), planned())
            (directory / name).unlink()
            ((found,), _) = self.archive.read()
            self.assertIsNotNone(found.remembered.planned)

    def test_damaged(self) -> None:
        """A journal that is spoilt in both copies is set aside, and harms no other."""
        self.keep(claimed(1))
        name = self.keep(claimed(2))
        (self.first / name).write_bytes(b"")
        (self.second / name).write_bytes(b"rubbish")
        found, troubles = self.archive.open()
        self.assertEqual([each.remembered.job.id for each in found], ["job_1"])
        self.assertEqual([each.what for each in troubles], ["damaged"] * 2)
        self.assertEqual(
            [each.path for each in troubles],
            [directory / f"{name}.damaged" for directory in self.archive.directories],
        )
        self.assertEqual((self.second / f"{name}.damaged").read_bytes(), b"rubbish")
        self.assertEqual(self.archive.open()[1], [])

    def test_no_claim(self) -> None:
        """So is one whose lines are good and do not say whose they are, or are no records."""
        self.first.mkdir(parents=True)
        (self.first / "a.jsonl").write_bytes(encode_line(1, encode_record(Note("x"))))
        (self.first / "b.jsonl").write_bytes(encode_line(1, b"no JSON"))
        _, troubles = self.archive.open()
        self.assertEqual([each.what for each in troubles], ["damaged"] * 2)

    def test_read_changes_nothing(self) -> None:
        """Reading alone leaves what is damaged where it is."""
        self.first.mkdir(parents=True)
        (self.first / "a.jsonl").write_bytes(b"rubbish")
        self.assertEqual(len(self.archive.read()[1]), 1)
        self.assertEqual([path.name for path in self.first.iterdir()], ["a.jsonl"])

    def test_unreadable(self) -> None:
        """A journal that no disk gives out is reported, and left alone."""
        for directory in self.archive.directories:
            (directory / "a.jsonl").mkdir(parents=True)
        found, troubles = self.archive.open()
        self.assertEqual((found, [each.what for each in troubles]), ([], ["unreadable"]))
        self.assertTrue((self.first / "a.jsonl").exists())

    def test_double(self) -> None:
        """Two journals of one job are not mixed: the one with the right name counts."""
        name = self.keep(claimed(1))
        content = (self.first / name).read_bytes()
        self.keep(claimed(1), planned())
        for other in ("a-copy.jsonl", "z-copy.jsonl"):
            copy = self.first / other
            copy.write_bytes(content)
            (found,), troubles = self.archive.open()
            self.assertIsNotNone(found.remembered.planned)
            self.assertEqual([(each.what, each.path) for each in troubles], [("double", copy)])
            copy.unlink()

    def test_drafts(self) -> None:
        """What a killed agent left of a write is cleared away."""
        self.keep(claimed(1))
        draft = self.second / ".a.jsonl.7.tmp"
        draft.write_bytes(b"x")
        self.archive.open()
        self.assertFalse(draft.exists())


class AudioTests(SynchronousTestCase):
    """Whether anything is left."""

    def test_without_audio(self) -> None:
        """A job counts as bare when none of its files is there."""
        path = Path(tempfile.mkdtemp()) / "a.wav"
        job = known(planned(), *segment(1, path=path))
        other = known(claimed(2))
        self.assertEqual(without_audio([job, other]), ["job_1", "job_2"])
        path.touch()
        self.assertEqual(without_audio([job, other]), ["job_2"])
