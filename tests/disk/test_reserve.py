"""Room that is kept for the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.reserve import DEFAULT_BYTES, LEAST_BYTES, NAME, Reserve, reserve_bytes
from rakkr.disk.space import Space

SIZE = 512 << 10


class SizeTests(SynchronousTestCase):
    def test_both_limits(self) -> None:
        """Two hundredths of the disk at most, a quarter of a megabyte at least."""
        self.assertEqual(reserve_bytes(DEFAULT_BYTES, 10**12), DEFAULT_BYTES)
        self.assertEqual(reserve_bytes(DEFAULT_BYTES, 50 * DEFAULT_BYTES), DEFAULT_BYTES)
        self.assertEqual(reserve_bytes(DEFAULT_BYTES, 50 * DEFAULT_BYTES - 50), DEFAULT_BYTES - 1)
        self.assertEqual(reserve_bytes(DEFAULT_BYTES, 50 * LEAST_BYTES), LEAST_BYTES)
        self.assertEqual(reserve_bytes(DEFAULT_BYTES, 1 << 20), LEAST_BYTES)

    @given(st.integers(LEAST_BYTES, 1 << 30), st.integers(0, 1 << 50))
    def test_within(self, wished: int, total: int) -> None:
        """It is never more than was wished, nor less than the least."""
        self.assertTrue(LEAST_BYTES <= reserve_bytes(wished, total) <= wished)


class ReserveTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a directory with room enough."""
        self.directory = Path(tempfile.mkdtemp()) / "rec"
        self.space = Space(1 << 30, 1 << 30)
        self.reserve = self.again()

    def again(self) -> Reserve:
        """The same reserve, after a restart."""
        return Reserve(self.directory, SIZE, read=lambda _: self.space)

    def test_make(self) -> None:
        """The file takes up its size on the disk, not only in its name, and once is enough."""
        self.assertFalse(self.reserve.held)
        self.assertTrue(self.reserve.make())
        self.assertTrue(self.reserve.held)
        status = (self.directory / NAME).stat()
        self.assertEqual(status.st_size, SIZE)
        self.assertGreaterEqual(status.st_blocks * 512, SIZE)
        self.assertTrue(self.again().make())
        self.assertEqual((self.directory / NAME).stat().st_ino, status.st_ino)

    def test_release(self) -> None:
        """It is given back once, and made again afterwards."""
        self.reserve.make()
        self.assertTrue(self.reserve.release())
        self.assertFalse((self.directory / NAME).exists())
        self.assertFalse(self.reserve.release())
        self.assertTrue(self.reserve.make())

    def test_a_hole_is_no_reserve(self) -> None:
        """A file of the right size without blocks, or too short, is filled."""
        self.directory.mkdir()
        for content in (b"", b"x" * 4096):
            path = self.directory / NAME
            path.write_bytes(content)
            with path.open("r+b") as file:
                file.truncate(SIZE)
            self.assertFalse(self.reserve.held)
            self.assertTrue(self.reserve.make())
            self.assertTrue(self.reserve.held)

    def test_room_to_spare(self) -> None:
        """With less than four times its size free it is not made, and says why."""
        self.space = Space(4 * SIZE - 1, 1 << 30)
        self.assertFalse(self.reserve.make())
        self.assertIn(f"only {4 * SIZE - 1} bytes are free", self.reserve.trouble or "")
        self.space = Space(4 * SIZE, 1 << 30)
        self.assertTrue(self.reserve.make())
        self.assertIsNone(self.reserve.trouble)

    def test_errors_do_not_hurt(self) -> None:
        """Where no file can be made there is no reserve, nothing is left, and nothing raised."""
        self.directory.write_text("a file where the directory should be")
        self.assertFalse(self.reserve.make())
        self.assertIn("cannot be made", self.reserve.trouble or "")
        self.assertFalse(self.reserve.held)
        self.assertFalse(self.reserve.release())

    def test_no_answer_of_the_disk(self) -> None:
        """A disk whose size is not known gets none."""

        def fail(_: Path) -> Space:
            raise OSError(5, "Input/output error")

        reserve = Reserve(self.directory, SIZE, read=fail)
        self.assertFalse(reserve.make())
        self.assertIn("Input/output error", reserve.trouble or "")

    def test_a_link_is_not_followed(self) -> None:
        """A link under its name does not make it write elsewhere."""
        self.directory.mkdir()
        other = self.directory / "other"
        other.write_text("precious")
        (self.directory / NAME).symlink_to(other)
        self.assertFalse(self.reserve.make())
        self.assertEqual(other.read_text(), "precious")
        self.assertTrue(self.reserve.make())
