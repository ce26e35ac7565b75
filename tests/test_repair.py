"""Copies of files whose headers lie."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from rakkr import repair as module
from rakkr.audio.damage import diagnose
from rakkr.audio.wave import read_header
from rakkr.durable import sync_directory
from rakkr.repair import CannotRepair, repair
from tests.audio.test_damage import lying

DATA = bytes(range(1, 251)) * 16


class RepairTests(SynchronousTestCase):
    """A copy is made whole, or not at all with a sentence."""

    def setUp(self):
        """Have a folder with a file that claims 2 GiB."""
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "out.wav"
        self.path.write_bytes(lying(DATA, 0x80000000))

    def names(self):
        """List what is in the folder, hidden files too."""
        return sorted(each.name for each in self.folder.iterdir())

    def refused(self, *arguments):
        """Return the sentence of a refusal that left nothing behind."""
        before = {each: each.read_bytes() for each in self.folder.iterdir() if each.is_file()}
        sentence = str(self.assertRaises(CannotRepair, repair, *arguments))
        after = {each: each.read_bytes() for each in self.folder.iterdir() if each.is_file()}
        self.assertEqual(before, after)
        self.assertNotIn("\n", sentence)
        return sentence

    def audio(self, path):
        """Return the samples of a file by its own header, which is right."""
        with path.open("rb") as file:
            found = read_header(file)
            self.assertTrue(found.whole)
            file.seek(found.data_offset)
            return file.read(found.data_bytes)

    def test_copy(self):
        """The copy lies beside the file, has its audio, and the file is as it was."""
        before = self.path.read_bytes()
        report = repair(self.path)
        copy = self.folder / "out.repaired.wav"
        self.assertEqual(
            str(report),
            f"{copy} holds all 1000 frames (0.021 s) of {self.path}: "
            "its header was never finished, and claimed 2147483648 bytes of audio",
        )
        self.assertEqual((report.copy, report.frames, report.seconds), (copy, 1000, 1000 / 48000))
        self.assertEqual(self.audio(copy), DATA)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(self.names(), ["out.repaired.wav", "out.wav"])

    def test_next_name(self):
        """A copy never takes the name of another file."""
        taken = self.folder / "out.repaired.wav"
        taken.write_bytes(b"precious")
        self.assertEqual(repair(self.path).copy, self.folder / "out.repaired.2.wav")
        self.assertEqual(taken.read_bytes(), b"precious")

    def test_nothing_wrong(self):
        """A file with nothing wrong is not copied."""
        self.path.write_bytes(lying(DATA, len(DATA)))
        report = repair(self.path)
        self.assertIsNone(report.copy)
        self.assertEqual(
            str(report),
            f"nothing is wrong with {self.path}: its header says what it holds, "
            "1000 frames (0.021 s); nothing was written",
        )
        self.assertEqual(self.names(), ["out.wav"])

    def test_output(self):
        """A copy goes where it is told to: by name, or into a directory."""
        elsewhere = self.folder / "usb stick"
        elsewhere.mkdir()
        self.assertEqual(repair(self.path, elsewhere).copy, elsewhere / "out.repaired.wav")
        self.assertEqual(repair(self.path, elsewhere / "x.wav").copy, elsewhere / "x.wav")
        self.assertEqual(self.audio(elsewhere / "x.wav"), DATA)
        self.assertEqual(len(list(elsewhere.iterdir())), 2)

    def test_output_exists(self):
        """A name that a file has already is refused, the name of the file itself too."""
        self.assertIn("exists already", self.refused(self.path, self.path))
        (self.folder / "b.wav").write_bytes(b"precious")
        self.assertIn("b.wav exists already", self.refused(self.path, self.folder / "b.wav"))

    def test_output_taken_meanwhile(self):
        """A name that somebody takes while the copy is made stays theirs."""
        wished = self.folder / "b.wav"
        self.patch(module, "_transfer", lambda *_: wished.write_bytes(b"precious"))
        self.assertRaises(CannotRepair, repair, self.path, wished)
        self.assertEqual(wished.read_bytes(), b"precious")
        self.assertEqual(self.names(), ["b.wav", "out.wav"])

    def test_silence(self):
        """Blocks of silence, also at the very end, are there, and take no space of the disk."""
        block = module._BLOCK_BYTES
        data = DATA + bytes(3 * block) + DATA + bytes(2 * block + 4)
        self.path.write_bytes(lying(data, 0x80000000))
        copy = repair(self.path).copy
        assert copy is not None
        self.assertEqual(self.audio(copy), data)
        self.assertLess(copy.stat().st_blocks * 512, 3 * block)

    def test_space(self):
        """A disk with just enough room is used, and one with a byte less is not begun on."""
        needed = 44 + len(DATA)
        for free, good in ((needed, True), (needed - 1, False)):
            disk = SimpleNamespace(f_bavail=free, f_frsize=1)
            self.patch(os, "statvfs", lambda _path, disk=disk: disk)
            if good:
                copy = repair(self.path).copy
                assert copy is not None
                copy.unlink()
            else:
                self.assertIn("needs 0.0 MB and", self.refused(self.path))

    def test_full_disk(self):
        """A disk that fills up all the same leaves nothing of the copy."""

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        for name in ("_write", "_transfer", "sync_directory"):
            with self.subTest(name):
                original = getattr(module, name)
                self.patch(module, name, full)
                self.assertIn("No space left on device", self.refused(self.path))
                self.patch(module, name, original)
        self.assertEqual(self.names(), ["out.wav"])

    def test_interrupted(self):
        """A person who loses patience leaves nothing either."""

        def impatient(*_):
            raise KeyboardInterrupt

        self.patch(module, "_transfer", impatient)
        self.assertRaises(KeyboardInterrupt, repair, self.path)
        self.assertEqual(self.names(), ["out.wav"])

    def test_order(self):
        """The copy is on the disk before it gets its name, and the name is made to last."""
        done = []
        fsync = os.fsync

        def noted_fsync(descriptor):
            done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            fsync(descriptor)

        def noted_directory(path):
            done.append(self.names())
            sync_directory(path)

        self.patch(os, "fsync", noted_fsync)
        self.patch(module, "sync_directory", noted_directory)
        repair(self.path)
        self.assertEqual(
            done, [".out.repaired.wav.repair", ["out.repaired.wav", "out.wav"], self.folder.name]
        )

    def test_shorter_meanwhile(self):
        """A file that becomes shorter while it is read is not half copied."""

        def and_cut(file):
            found = diagnose(file)
            os.truncate(self.path, 100)
            return found

        self.patch(module, "diagnose", and_cut)
        sentence = str(self.assertRaises(CannotRepair, repair, self.path))
        self.assertIn("became shorter", sentence)
        self.assertEqual(self.names(), ["out.wav"])

    def test_unreadable(self):
        """What cannot be understood gets one sentence."""
        for content, words in (
            (bytes(1000), "does not begin as a WAV file"),
            (b"", "does not begin as a WAV file"),
            (b"fLaC" + bytes(100), "the file is FLAC"),
            (lying(b"", 0x80000000), "not one whole frame"),
            (lying(DATA, 0)[:30], "cut off"),
        ):
            self.path.write_bytes(content)
            self.assertIn(f"{self.path} cannot be repaired: ", sentence := self.refused(self.path))
            self.assertIn(words, sentence)

    def test_no_file(self):
        """A name without a file, and a directory, get one sentence."""
        self.assertEqual(
            self.refused(self.folder / "x.wav"), f"{self.folder / 'x.wav'} does not exist"
        )
        self.assertEqual(self.refused(self.folder), f"{self.folder} is not a file")
        os.mkfifo(self.folder / "pipe")
        self.assertIn("is not a file", self.refused(self.folder / "pipe"))

    def test_folder_that_cannot_be(self):
        """A place that takes no file gets one sentence."""
        inside = self.path / "x.wav"
        self.assertIn(f"no copy of {self.path} could be made", self.refused(self.path, inside))

    def test_parts(self):
        """Files that arecord split off the same recording are named, and no others."""
        for name in ("out-02.wav", "out-10.wav", "out-x.wav", "out-03.flac", "about-01.wav"):
            (self.folder / name).touch()
        first = self.folder / "out-01.wav"
        first.write_bytes(self.path.read_bytes())
        report = repair(first)
        self.assertEqual(report.parts, ("out-02.wav", "out-10.wav"))
        self.assertTrue(
            str(report).endswith(
                "; out-02.wav, out-10.wav may be other parts of the same recording"
            )
        )
        self.assertEqual(repair(self.path).parts, ("out-01.wav", "out-02.wav", "out-10.wav"))

    def test_many_parts(self):
        """A long recording does not make a long sentence."""
        for number in range(2, 40):
            (self.folder / f"out-{number:02}.wav").touch()
        self.assertIn(
            "; out-02.wav, out-03.wav, out-04.wav and 35 more may", str(repair(self.path))
        )
