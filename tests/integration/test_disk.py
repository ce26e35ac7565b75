"""A real, small file system is filled, and the reserve saves the end."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rakkr.disk.reserve import LEAST_BYTES, NAME, Reserve
from rakkr.disk.space import read_space
from rakkr.durable import write_atomically
from tests.integration.small_disk import small_disk_at

MEGABYTE = 1 << 20
SIZE = 16 * MEGABYTE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB, taken away afterwards."""
    with small_disk_at(tmp_path / "disk", str(SIZE)) as disk:
        yield disk


def fill(path: Path) -> None:
    """Write until the disk is full."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (MEGABYTE, 4096, 1):
            try:
                while True:
                    os.write(descriptor, b"\1" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 - any other is a failure
    finally:
        os.close(descriptor)


def test_figures(small_disk: Path) -> None:
    """The figures are those of this file system, also for a directory that is not there yet."""
    space = read_space(small_disk / "not" / "yet")
    assert space.total == SIZE
    assert space.free == SIZE
    (small_disk / "file").write_bytes(b"\1" * MEGABYTE)
    assert read_space(small_disk).free == SIZE - MEGABYTE


def test_the_reserve_takes_its_room(small_disk: Path) -> None:
    """On a tiny disk it is as small as is useful, and what it takes is not free any more."""
    reserve = Reserve(small_disk)
    assert reserve.make()
    size = (small_disk / NAME).stat().st_size
    assert size == max(LEAST_BYTES, SIZE // 50)
    assert SIZE - read_space(small_disk).free >= size
    assert reserve.release()
    assert read_space(small_disk).free == SIZE


def test_the_end_of_a_full_disk(small_disk: Path) -> None:
    """On a full disk nothing can be journalled, until the reserve is given back."""
    reserve = Reserve(small_disk)
    assert reserve.make()
    fill(small_disk / "capture.raw.wav")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(small_disk / "journal", b"x" * 65_536)
    assert reserve.release()
    write_atomically(small_disk / "journal", b"x" * 65_536)
    assert (small_disk / "journal").stat().st_size == 65_536
    # It is not taken back from what is being written, only when there is room.
    assert not reserve.make()
    assert "has to wait" in (reserve.trouble or "")
    (small_disk / "capture.raw.wav").unlink()
    assert reserve.make()


def test_a_full_disk_has_no_reserve(small_disk: Path) -> None:
    """A reserve that does not fit leaves no half of itself."""
    fill(small_disk / "capture.raw.wav")
    assert not Reserve(small_disk).make()
    assert not (small_disk / NAME).exists()


def test_only_half_of_it_fits(small_disk: Path) -> None:
    """What the system refuses in the middle is given back too."""
    fill(small_disk / "capture.raw.wav")
    os.truncate(small_disk / "capture.raw.wav", SIZE - LEAST_BYTES // 2 - 65_536)
    before = read_space(small_disk)
    reserve = Reserve(small_disk, read=lambda _: read_space(Path("/")))
    assert not reserve.make()
    assert "No space left" in (reserve.trouble or "")
    assert read_space(small_disk) == before
