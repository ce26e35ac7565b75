"""
A small real disk whose power can fail.

It is an ext4 file system in a file on a loop device.  ``EXT4_IOC_SHUTDOWN`` without a flush of the
journal is what the file systems' own tests take for a power failure: from one moment on nothing
reaches the disk any more, neither data nor metadata that only lies in memory, while the programs
run on.  What the kernel had handed to the disk until then is there, finished or not; so is, as on
a disk that has a cache and loses nothing of it, what was handed over without a flush.

A copy of the file while it is mounted would be less fair: copying takes a moment, so the copy would
hold the blocks of different moments, and no disk ever looks like that.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

NEEDS = (("mkfs.ext4", "e2fsprogs"), ("mount", "mount"), ("losetup", "mount"))
"""Programs and their Debian packages, for the ``need`` fixture."""
SIZE = 256 << 20
# linux/ext4.h: _IOR('X', 125, __u32), and the flag for "do not even write the journal".
_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_PATIENCE_SECONDS = 10.0


class NoDisk(Exception):
    """Such a disk cannot be had here; the message says why."""


class CutDisk:
    """
    One such disk.

    :ivar place: where it is mounted.
    """

    def __init__(self, clock: IReactorTime, image: Path, place: Path) -> None:
        self.place = place
        self._clock = clock
        self._image = image
        self._mounted = False

    def make(self) -> None:
        """
        Make the file system, and mount it.

        :raises NoDisk: where that is not possible.
        """
        if os.geteuid() != 0:
            raise NoDisk("only root can mount a small file system")
        self.place.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        _run("mkfs.ext4", "-q", str(self._image))
        self.mount()

    def mount(self) -> None:
        """
        Mount it; after a cut ext4 replays its journal.

        :raises NoDisk: when that fails.
        """
        _run("mount", "-o", "loop", str(self._image), str(self.place))
        self._mounted = True

    def cut(self) -> None:
        """Let nothing reach the disk from now on."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    async def unmount(self) -> None:
        """
        Unmount it, as soon as nobody works with it any more.

        :raises NoDisk: when somebody still does.
        """
        give_up = self._clock.seconds() + _PATIENCE_SECONDS
        while self._mounted:
            try:
                _run("umount", str(self.place))
            except NoDisk:
                if self._clock.seconds() > give_up:
                    raise
                await deferLater(self._clock, 0.05)
            else:
                self._mounted = False
        while _run("losetup", "-j", str(self._image)):  # somebody else's mount of it may linger
            if self._clock.seconds() > give_up:
                raise NoDisk(f"{self._image} stays mounted in the view of another process")
            await deferLater(self._clock, 0.05)

    def remove(self) -> None:
        """Throw the disk away; it is not mounted any more."""
        self._image.unlink()

    def check(self) -> str:
        """What ``e2fsck`` says of the unmounted disk; empty if all is well."""
        argv = ["e2fsck", "-f", "-n", str(self._image)]
        ran = subprocess.run(argv, capture_output=True, text=True, check=False)
        return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def _run(*argv: str) -> str:
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise NoDisk(f"{' '.join(argv)}: {ran.stderr.strip()}")
    return ran.stdout
