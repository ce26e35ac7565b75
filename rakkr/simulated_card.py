"""
A sound card for the real ``arecord`` on machines that have none: alsa-lib fed by ``rakkr-tone``.

alsa-lib's ``file`` plug-in reads a named pipe in place of hardware.  It takes a short read for a
whole one, so the pipe must always hold whole periods: ``rakkr-tone`` writes exactly one of them at
a time, when a card would have it, and ``arecord`` is so paced by the pipe.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rakkr.process import Child, Ladder, spawn

PERIODS_PER_SECOND: Final = 8  # arecord's own choice where the hardware has none


def alsa_configuration(pipe: Path) -> str:
    """The text of an ``asoundrc`` whose ``default`` device plays what comes through a pipe."""
    return (
        "pcm.!default {\n"
        "  type file\n"
        "  slave.pcm { type null }\n"
        '  file "/dev/null"\n'
        f'  infile "{pipe}"\n'
        '  format "raw"\n'
        "}\n"
    )


def plug_in(
    reactor: Any,
    directory: Path,
    environ: Mapping[str, str],
    *,
    tone: Path,
    rate: int,
    channels: int,
) -> tuple[Child, dict[str, str]]:
    """
    Put the card in: a stereo tone in S16_LE, from the moment at which it is opened.

    It serves one capture, and ends with it.

    :param tone: the program ``rakkr-tone``.

    :returns: the process that feeds it, and the environment in which ``arecord`` finds it as
        ``default``.
    """
    pipe, configuration = directory / "card", directory / "asoundrc"
    os.mkfifo(pipe, 0o600)
    configuration.write_text(alsa_configuration(pipe), encoding="utf-8")
    shape = ["-f", "S16_LE", "-r", str(rate), "-c", str(channels), "-t", "raw"]
    feeder = spawn(
        reactor,
        reactor,
        [str(tone), *shape, "--period-size", str(rate // PERIODS_PER_SECOND), str(pipe)],
        env=environ,
        ladder=Ladder(grace=2.0),
    )
    return feeder, {"ALSA_CONFIG_PATH": str(configuration)}
