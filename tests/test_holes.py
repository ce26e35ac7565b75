"""Holes in real files, on the file systems that are here."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr import holes

BLOCK = 4096
CONTENT = bytes(range(1, 251)) * 1000


class PunchTests(SynchronousTestCase):
    """Space comes back, and nothing else changes."""

    def files(self) -> Iterator[Path]:
        """Make a file where temporary files are, and one in memory."""
        for place in (None, "/dev/shm"):
            if place is None or os.access(place, os.W_OK):
                folder = self.enterContext(tempfile.TemporaryDirectory(dir=place))
                path = Path(folder, "a")
                with path.open("wb") as file:
                    file.write(CONTENT)
                    file.flush()
                    os.fsync(file.fileno())  # until then some file systems count no blocks
                if os.statvfs(path).f_frsize == BLOCK:
                    yield path

    def punched(self, path: Path, start: int, length: int) -> int:
        """Punch, and return how much space came back, in bytes."""
        before = path.stat().st_blocks
        if not holes.punch(path, start, length):
            self.skipTest(f"the file system of {path} has no holes")
        end = max(start, min(start + length, len(CONTENT)))
        expected = CONTENT[:start] + bytes(end - start) + CONTENT[end:]
        self.assertEqual(path.read_bytes(), expected)
        return (before - path.stat().st_blocks) * 512

    def test_space_comes_back(self) -> None:
        """Whole blocks come back, the size stays, and bytes outside are as they were."""
        for path in self.files():
            self.assertEqual(self.punched(path, 2 * BLOCK, 10 * BLOCK), 10 * BLOCK)
            self.assertEqual(path.stat().st_size, len(CONTENT))

    def test_crooked_range(self) -> None:
        """Blocks that are only touched stay, and of them only the range becomes zero."""
        for path in self.files():
            self.assertEqual(self.punched(path, BLOCK + 1, 3 * BLOCK - 2), BLOCK)

    def test_inside_a_block(self) -> None:
        """A range inside one block gives nothing back."""
        for path in self.files():
            self.assertEqual(self.punched(path, 5, 100), 0)

    def test_again(self) -> None:
        """A hole may be punched again: what was not noted down is done once more."""
        for path in self.files():
            self.punched(path, 0, 4 * BLOCK)
            self.assertEqual(self.punched(path, 0, 4 * BLOCK), 0)

    def test_behind_the_end(self) -> None:
        """A range that goes on behind the end of the file does not make it longer."""
        for path in self.files():
            self.punched(path, 20 * BLOCK, 1 << 33)
            self.assertEqual(path.stat().st_size, len(CONTENT))

    def test_deep(self) -> None:
        """A range behind 4 GiB is found: offsets have 64 bits."""
        for path in self.files():
            deep = (5 << 30) + BLOCK
            with path.open("r+b") as file:
                file.seek(deep)
                file.write(CONTENT)
            if not holes.punch(path, deep, 2 * BLOCK):
                continue
            with path.open("rb") as file:
                self.assertEqual(file.read(len(CONTENT)), CONTENT)
                file.seek(deep)
                self.assertEqual(
                    file.read(3 * BLOCK), bytes(2 * BLOCK) + CONTENT[2 * BLOCK : 3 * BLOCK]
                )

    def test_no_range(self) -> None:
        """A range that is none is an error, and the file stays as it is."""
        for path in self.files():
            for start, length in ((0, 0), (-1, BLOCK), (0, -1)):
                error = self.assertRaises(OSError, holes.punch, path, start, length)
                self.assertEqual((error.errno, error.filename), (errno.EINVAL, str(path)))
            self.assertEqual(path.read_bytes(), CONTENT)

    def test_no_file(self) -> None:
        """A file that is not there is an error, and is not made."""
        path = Path(tempfile.gettempdir(), "no", "such", "file")
        self.assertRaises(FileNotFoundError, holes.punch, path, 0, BLOCK)

    def test_a_file_system_without_holes(self) -> None:
        """A file system, or a kernel, that cannot is an answer; other failures are errors."""
        for number in (errno.EOPNOTSUPP, errno.ENOSYS):
            self.patch(holes, "_fallocate", lambda *_, number=number: number)
            self.assertFalse(holes.punch(next(self.files()), 0, BLOCK))
        self.patch(holes, "_fallocate", lambda *_: errno.EIO)
        self.assertRaises(OSError, holes.punch, next(self.files()), 0, BLOCK)

    def test_interrupted(self) -> None:
        """A call that a signal broke off is made again."""
        answers = [errno.EINTR, errno.EINTR, 0]
        self.patch(holes, "_fallocate", lambda *_: answers.pop(0))
        self.assertTrue(holes.punch(next(self.files()), 0, BLOCK))
        self.assertEqual(answers, [])

    def test_nothing_stays_open(self) -> None:
        """No descriptor is left behind, on success or failure."""
        before = len(list(Path("/proc/self/fd").iterdir()))
        for path in self.files():
            holes.punch(path, 0, BLOCK)
            self.assertRaises(OSError, holes.punch, path, 0, 0)
        self.assertEqual(len(list(Path("/proc/self/fd").iterdir())), before)
