"""Tests for ``rakkr.cache.files``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.cache import files
from rakkr.cache.manifest import Entry, encode_manifest
from rakkr.cache.plan import Deletion
from rakkr.disk.holding import OnDisk
from tests.cache.holding import delivered


class FileTests(SynchronousTestCase):
    """Real files."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.look = files.look_in(self.directory)

    def file(self, name: str, content: bytes = b"x" * 8192) -> Path:
        """A file with that content."""
        path = self.directory / name
        path.write_bytes(content)
        return path


class LookTests(FileTests):
    """What is there."""

    def test_file(self) -> None:
        """A file has its length, and what deleting it gives back, which holes make less."""
        path = self.file("a", b"")
        os.truncate(path, 1 << 20)
        found = self.look(path)
        assert found is not None
        self.assertEqual(found.size, 1 << 20)
        self.assertLess(found.taken, 1 << 20)

    def test_gone(self) -> None:
        """A file that is missing in a directory that is there is gone."""
        self.assertIsNone(self.look(self.directory / "a"))

    def test_a_disk_that_is_not_mounted(self) -> None:
        """A missing directory says nothing of its files."""
        with self.assertRaises(OSError):
            self.look(self.directory / "b" / "a")

    def test_links(self) -> None:
        """A link, whatever it leads to, and what is no file at all are not ours to touch."""
        (self.directory / "link").symlink_to(self.file("a"))
        (self.directory / "dir").mkdir()
        os.mkfifo(self.directory / "pipe")
        for name in ("link", "dir", "pipe"):
            with self.assertRaisesRegex(OSError, "no plain file"):
                self.look(self.directory / name)

    def test_elsewhere(self) -> None:
        """A file that lies elsewhere is not ours either, by whatever way it is named."""
        home = self.directory / "captures"
        (home / "sub").mkdir(parents=True)
        (home / "out").symlink_to(self.directory)
        other, mine = self.file("a"), self.file("captures/sub/b")
        look = files.look_in(home)
        self.assertIsNotNone(look(mine))
        for path in (other, home / ".." / "a", home / "out" / "a", Path("/etc/passwd")):
            with self.assertRaisesRegex(OSError, "is not in"):
                look(path)

    def test_a_directory_that_is_a_link(self) -> None:
        """The captures' directory itself may be a link."""
        (self.directory / "real").mkdir()
        self.file("real/a")
        (self.directory / "captures").symlink_to(self.directory / "real")
        for name in ("captures", "real"):
            look = files.look_in(self.directory / "captures")
            self.assertIsNotNone(look(self.directory / name / "a"))

    def test_silence_is_proved(self) -> None:
        """An empty file and a bare header have no audio; a sample, or rubbish, may be some."""
        bare = wave.header(sample_format("S16_LE"), 48_000, 2, 0)
        for content, silent in (
            (b"", True),
            (bare, True),
            (bare + b"\1\0\1\0", False),
            (bare + b"\1", False),
            (b"\1", False),
            (b"fLaC" * 9, False),
        ):
            self.assertEqual(files.is_silent(self.file("a", content)), silent, content[-9:])
        self.assertFalse(files.is_silent(self.directory / "gone"))

    def test_strays(self) -> None:
        """What nothing knows is named, but for what has no audio in it by its name."""
        stray = self.file("a.wav")
        for name in ("b.wav", ".rakkr-reserve", "a.report.json", "a.stderr.log", "a.leash"):
            self.file(name)
        (self.directory / ".journal").mkdir()
        self.assertEqual(files.strays(self.directory, {self.directory / "b.wav"}), [stray])
        self.assertEqual(files.strays(self.directory / "none", ()), [])


class DeleteTests(FileTests):
    """Deleting."""

    def planned(self, *paths: Path, report: Path | None = None) -> Deletion:
        """A recording of these files that is to lose them all."""
        held = delivered(1, 0.0, *paths, report=report)
        return Deletion(held, "p", "max_age", paths, 0)

    def delete(
        self,
        planned: Deletion,
        needed: Collection[Path] = (),
        found: dict[Path, OnDisk] | None = None,
    ) -> files.Deleted:
        """Delete what was planned for what is there now, or was found before."""
        if found is None:
            found = {}
            for path in planned.files:
                with contextlib.suppress(OSError):
                    if (there := self.look(path)) is not None:
                        found[path] = there
        (done,) = files.delete([planned], needed, found, self.look)
        return done

    def left(self) -> set[str]:
        """The names that are still there."""
        return {path.name for path in self.directory.iterdir()}

    def test_what_lies_beside(self) -> None:
        """The capture takes its messages along, and the last file the report of the recording."""
        raw, flac = self.file("1.raw.wav"), self.file("1.flac")
        for name in ("1.stderr.log", "1.leash", "1.exit", "2.stderr.log"):
            self.file(name)
        self.file("1.report.json", json.dumps({"recordingId": "rec_9"}).encode())
        self.file("1.report.2.json", json.dumps({"recordingId": "rec_1"}).encode())
        planned = self.planned(raw, flac, report=self.directory / "1.report.json")
        done = self.delete(planned)
        self.assertEqual((done.gone, done.errors), ((raw, flac), {}))
        self.assertGreaterEqual(done.freed, 2 * 8192)
        self.assertEqual(self.left(), {"1.report.json", "2.stderr.log"})

    def test_the_report_stays_with_what_stays(self) -> None:
        """While a file of the recording is there, so is its report."""
        raw, flac = self.file("1.raw.wav"), self.file("1.flac")
        report = self.file("1.report.json", json.dumps({"recordingId": "rec_1"}).encode())
        held = self.planned(raw, flac, report=report).holding
        self.delete(Deletion(held, "p", "max_age", (flac,), 0))
        self.assertEqual(self.left(), {"1.raw.wav", "1.report.json"})

    def test_needed_at_the_last_moment(self) -> None:
        """What somebody needs now stays, whatever was planned before."""
        raw, flac = self.file("1.raw.wav"), self.file("1.flac")
        self.file("1.stderr.log")
        done = self.delete(self.planned(raw, flac), {raw})
        self.assertEqual((done.gone, done.errors), ((flac,), {}))
        self.assertEqual(self.left(), {"1.raw.wav", "1.stderr.log"})

    def test_cannot_be_deleted(self) -> None:
        """A file that cannot be deleted is named, and the others go."""
        stuck, other = self.directory / "stuck", self.file("other")
        stuck.mkdir()
        done = self.delete(self.planned(stuck, other))
        self.assertEqual((done.gone, set(done.errors)), ((other,), {stuck}))

    def test_replaced_since_it_was_found(self) -> None:
        """A file that is another by now than was planned for stays, with what lies beside it."""
        raw = self.file("1.raw.wav")
        self.file("1.stderr.log")
        there = self.look(raw)
        assert there is not None
        for then in ({raw: evolve(there, modified=0)}, {raw: evolve(there, size=1)}, {}):
            done = self.delete(self.planned(raw), found=then)
            self.assertEqual((done.gone, done.errors, done.freed), ((), {}, 0))
        self.assertEqual(self.left(), {"1.raw.wav", "1.stderr.log"})

    def test_a_link_in_its_place(self) -> None:
        """A link that somebody put in the place of a file stays, and what it leads to."""
        other, raw = self.file("other"), self.directory / "1.raw.wav"
        raw.symlink_to(other)
        there = OnDisk(8192, 8192, other.stat().st_mtime_ns)
        done = self.delete(self.planned(raw), found={raw: there})
        self.assertEqual((done.gone, set(done.errors)), ((), {raw}))
        self.assertEqual(self.left(), {"1.raw.wav", "other"})

    def test_gone_already(self) -> None:
        """A file that somebody else deleted is gone."""
        path = self.directory / "gone"
        done = self.delete(self.planned(path))
        self.assertEqual((done.gone, done.errors, done.freed), ((path,), {}, 0))


class ManifestFileTests(FileTests):
    """The list on the disk."""

    def test_saved_and_loaded(self) -> None:
        """What is saved is loaded; no draft is left."""
        path = self.directory / "sub" / "manifest.json"
        held = delivered(1)
        files.save(path, [Entry(held, dict.fromkeys(held.files, OnDisk(1, 1)))])
        loaded = files.load(path)
        self.assertEqual((loaded.trouble, len(loaded.entries)), (None, 1))
        self.assertEqual([each.name for each in path.parent.iterdir()], ["manifest.json"])

    def test_missing(self) -> None:
        """No list is an empty list."""
        self.assertEqual(files.load(self.directory / "none"), files.Loaded(()))

    def test_damaged(self) -> None:
        """A damaged list is in trouble; what of it can be read counts."""
        self.assertIn("decode", files.load(self.file("m", b"{")).trouble or "")
        held = delivered(1)
        good = encode_manifest([Entry(held, dict.fromkeys(held.files, OnDisk(1, 1)))])
        loaded = files.load(self.file("m", good.replace(b"[\n", b"[7,\n", 1)))
        self.assertIn("entry 0", loaded.trouble or "")
        self.assertEqual(len(loaded.entries), 1)

    def test_too_long(self) -> None:
        """A list that nobody has memory for is a damaged one."""
        path = self.file("m", b"")
        self.patch(files, "MOST_BYTES", 9)
        for size, why in ((9, "decode"), (10, "too many")):
            os.truncate(path, size)
            self.assertIn(why, files.load(path).trouble or "")

    def test_set_aside(self) -> None:
        """It is set aside under a name that says when."""
        path = self.file("m.json", b"{")
        aside = files.set_aside(path, "2027-01-15T08:00:00.000Z")
        self.assertEqual(aside.name, "m.json.damaged-20270115T080000000Z")
        self.assertEqual((path.exists(), aside.read_bytes()), (False, b"{"))

    def test_unreadable(self) -> None:
        """A list that is there and cannot be read is an error, and no empty list."""
        with self.assertRaises(OSError):
            files.load(self.directory)
