"""
A capture device for the real ``arecord`` on machines without sound hardware.

A small plug-in for alsa-lib (``alsa/numbered.c``, compiled when first needed) delivers frames in
real time, each with its number, so that a test can say exactly which arrived.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_SOURCE = Path(__file__).with_name("alsa") / "numbered.c"
NEEDS = (("arecord", "alsa-utils"), ("gcc", "gcc libc6-dev libasound2-dev"))
"""Programs and their Debian packages, for the ``need`` fixture."""


class AlsaDevice:
    """
    One device, of one width and rate, in S16_LE, S24_LE, S24_3LE and S32_LE.

    :ivar name: for ``arecord -D``.
    :ivar env: to be added to the environment of ``arecord``.
    :ivar epoch: the whole second of the monotonic clock at which frame 0 came; None: frame 0 is the
        first one of each program.
    """

    name = "numbered"

    def __init__(
        self, directory: Path, channels: int = 2, rate: int = 48000, epoch: int | None = None
    ) -> None:
        self._directory = directory / "alsa"
        self._channels = channels
        self._rate = rate
        self.epoch = epoch
        self.env = {"ALSA_CONFIG_PATH": str(self._directory / "alsa.conf")}

    def __enter__(self) -> Self:
        self._directory.mkdir()
        library = self._directory / "libasound_module_pcm_rakkr_numbered.so"
        subprocess.run(
            [
                "gcc",
                "-O2",
                "-Wall",
                "-shared",
                "-fPIC",
                "-DPIC",
                "-o",
                library,
                _SOURCE,
                "-lasound",
            ],
            check=True,
        )
        (self._directory / "alsa.conf").write_text(
            f'pcm_type.rakkr_numbered {{ lib "{library}" }}\n'
            f"pcm.{self.name} {{\n"
            f'  type rakkr_numbered directory "{self._directory}"\n'
            f"  channels {self._channels} rate {self._rate}\n"
            f"{'' if self.epoch is None else f'  epoch {self.epoch}'}\n"
            "}\n",
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing runs; the directory is the test's."""

    def overrun(self) -> None:
        """Make one overrun in the running capture."""
        (self._directory / "overrun").touch()

    def unplug(self) -> None:
        """Take the device away, also from a running capture."""
        (self._directory / "gone").touch()

    def plug(self) -> None:
        """Bring it back."""
        (self._directory / "gone").unlink()

    def occupy(self) -> None:
        """Let nobody else open it."""
        (self._directory / "busy").touch()

    def vacate(self) -> None:
        """Let others open it again."""
        (self._directory / "busy").unlink()

    @property
    def refused(self) -> list[int]:
        """The numbers of the frames at which somebody was refused; for a device with an epoch."""
        notes = self._directory / "refused"
        return [int(line) for line in notes.read_text().split()] if notes.exists() else []


def whole_environment(device_env: dict[str, str]) -> dict[str, str]:
    """Add a device's variables to the environment of the tests."""
    return {**os.environ, **device_env}
