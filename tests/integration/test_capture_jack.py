"""Captures from a real JACK server, by arecord and by jack_capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.outcome import Completed, Failed
from rakkr.capture.request import CaptureLimits
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.tone import numbered
from tests.integration import jack_server
from tests.integration.capture_world import (
    after,
    only,
    real_router,
    real_surroundings,
    samples,
    two_seconds,
)
from tests.integration.jack_server import JackServer, Mode
from tests.integration.moments import moments

_LIMITS = CaptureLimits(stop_grace_seconds=2.0)
_SOON_SECONDS = 8.0
Need = Callable[[str, str], str]
TOOLS = ("jack_lsp", "jack_samplerate")
PROGRAMS = ("arecord", "jack_capture")


@pytest.fixture
def server(tmp_path: Path, need: Need) -> Iterator[JackServer]:
    """Have a server without any device."""
    for each in (*jack_server.NEEDS, ("arecord", "alsa-utils"), ("jack_capture", "jack-capture")):
        need(*each)
    with JackServer(tmp_path) as found:
        yield found


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    """Name either program."""
    return str(request.param)


@pytest.fixture
def env(program: str, server: JackServer, tmp_path: Path) -> Mapping[str, str]:
    """Have one of the two programs, and no other."""
    return {**server.env, **only(tmp_path, program, *TOOLS)}


async def start(env: Mapping[str, str], directory: Path, **changes: Any) -> Capture:
    """Capture from JACK, with the command left at its default."""
    asked = two_seconds(directory, **{"backend": "jack", "device": "sim", **changes})
    request = await real_router(env)(asked)
    return start_capture(request, _LIMITS, real_surroundings(env))


def numbers(audio: CapturedAudio, source: str) -> npt.NDArray[np.int64]:
    """
    Read the numbers of the frames, and see that they follow one another.

    :param source: the format in which the source numbered them.
    """
    raw = samples(audio)
    if audio.format.container_bytes > FORMATS[source].container_bytes:  # JACK has 24 bits
        above = 8 if audio.format.name == "S32_LE" else 0
        words: npt.NDArray[np.int32] = np.frombuffer(raw, "<i4") >> above
        raw = (words & 0xFFFFFF).astype("<u4").view("u1").reshape(-1, 4)[:, :3].tobytes()
    found = numbered.decode(raw, FORMATS[source], audio.channels)
    expected = np.arange(found[0], found[0] + len(found)) % numbered.modulus(
        FORMATS[source], audio.channels
    )
    assert np.array_equal(found, expected), np.flatnonzero(found != expected)[:8]
    return found


@pytest.mark.parametrize(
    ("program", "channels", "wished", "source"),
    [
        # jack_capture scales 16 bits by 32767, so its samples are off by up to a step.
        ("arecord", 2, "S16_LE", "S16_LE"),
        *(
            (program, *case)
            for program in PROGRAMS
            for case in (
                (2, "S24_3LE", "S24_3LE"),
                (2, "FLOAT_LE", "FLOAT_LE"),
                (8, "S24_LE", "S24_3LE"),
                (32, "S32_LE", "S24_3LE"),
                (32, "FLOAT_LE", "FLOAT_LE"),
            )
        ),
    ],
)
async def test_every_frame(
    env: Mapping[str, str],
    server: JackServer,
    tmp_path: Path,
    channels: int,
    wished: str,
    source: Mode,
) -> None:
    """What the device gave is what the file holds, to the bit, frame after frame."""
    server.plug("sim", channels, source)
    capture = await start(env, tmp_path, channels=channels, format=FORMATS[wished], seconds=1)
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert outcome.audio.frames == 48000
    numbers(outcome.audio, source)
    assert server.missed("sim") == []


async def test_the_order_of_the_ports(
    env: Mapping[str, str], server: JackServer, tmp_path: Path
) -> None:
    """Each of 32 ports has its own tone, in its own place; a list gives its own order."""
    server.plug("sim", 32, "sine")
    for device, ports in (
        ("sim", list(range(32))),
        ("sim:out_1?", list(range(9, 19))),
        ("sim:out_12, sim:out_3", [11, 2]),
    ):
        capture = await start(env, tmp_path, device=device, channels=len(ports))
        outcome = await capture.when_done()
        assert isinstance(outcome, Completed), outcome
        waves = np.frombuffer(samples(outcome.audio), "<i2").reshape(-1, len(ports))[-48000:]
        peaks = np.abs(np.fft.rfft(waves, axis=0)).argmax(axis=0)
        assert [int(each) for each in peaks] == [440 + 50 * each for each in ports]


async def test_what_is_refused(env: Mapping[str, str], server: JackServer, tmp_path: Path) -> None:
    """Another rate, ports that are not there and too few of them are refused beforehand."""
    server.plug("sim", 2)
    with pytest.raises(CannotLaunch, match="JACK runs at 48000 Hz and cannot deliver 44100 Hz"):
        await start(env, tmp_path, rate=44100)
    with pytest.raises(NotThere, match="JACK has no port desk; it has ports of sim"):
        await start(env, tmp_path, device="desk")
    with pytest.raises(NotThere, match="JACK has 2 ports like sim, and 3 are needed"):
        await start(env, tmp_path, channels=3)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fault", ["unplug", "crash", "freeze"])
async def test_losses(
    env: Mapping[str, str], program: str, server: JackServer, tmp_path: Path, fault: str
) -> None:
    """A device or a server that goes is a loss within seconds, and recording begins again."""
    server.plug("sim", 2)
    capture = await start(env, tmp_path, seconds=60, format=FORMATS["FLOAT_LE"])
    await capture.when_started()
    await after(2.5)
    if fault == "unplug":
        server.unplug("sim")
    elif fault == "crash":
        server.crash()
    else:
        server.freeze()
    outcome = await capture.when_done().addTimeout(14, real_surroundings().clock)
    if isinstance(outcome, Failed):
        assert outcome.error.startswith("JACK ")
    else:  # jack_capture answers 0 when its server dies; a window that is not over tells
        assert (program, fault) == ("jack_capture", "crash")
        assert isinstance(outcome, Completed), outcome
        assert outcome.ended_early
    assert outcome.audio is not None
    found = numbers(outcome.audio, "FLOAT_LE")
    assert 1.0 * 48000 < len(found) < 6 * 48000
    if fault == "crash":
        server.restart()
    if fault == "freeze":
        server.thaw()
    else:
        server.plug("sim", 2)
    again = await start(env, tmp_path, seconds=1, format=FORMATS["FLOAT_LE"])
    assert isinstance(await again.when_done(), Completed)


@pytest.mark.parametrize("delay", moments(0.0, 1.0, 2))
async def test_a_stop_at_any_moment(
    env: Mapping[str, str], server: JackServer, tmp_path: Path, delay: float
) -> None:
    """A stop keeps every frame until then, and is a good end whatever the program answers."""
    server.plug("sim", 2, "FLOAT_LE")
    capture = await start(env, tmp_path, seconds=60, format=FORMATS["FLOAT_LE"])
    await capture.when_started()
    await after(delay)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert outcome.stopped
    numbers(outcome.audio, "FLOAT_LE")
