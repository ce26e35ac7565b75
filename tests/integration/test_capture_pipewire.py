"""Captures through a real PipeWire, by pw-record and by arecord."""

from __future__ import annotations

import shutil
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
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.tone import numbered
from tests.integration import pipewire_server
from tests.integration.capture_world import (
    after,
    only,
    real_router,
    real_surroundings,
    samples,
    two_seconds,
)
from tests.integration.float_numbers import as_floats
from tests.integration.moments import moments
from tests.integration.pipewire_server import PipeWireServer

_LIMITS = CaptureLimits(stop_grace_seconds=2.0)
_SOON_SECONDS = 6.0
Need = Callable[[str, str], str]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipeWireServer | None]:
    """Have one server for all tests here; None when something is missing."""
    if any(shutil.which(program) is None for program, _ in pipewire_server.NEEDS):
        yield None
        return
    with PipeWireServer(tmp_path_factory.mktemp("pipewire")) as found:
        yield found


@pytest.fixture
def server(shared: PipeWireServer | None, need: Need) -> PipeWireServer:
    """Have a server, with a tone as its default source."""
    for each in (*pipewire_server.NEEDS, ("arecord", "alsa-utils")):
        need(*each)
    assert shared is not None
    return shared


@pytest.fixture(params=["pw-record", "arecord"])
def env(
    request: pytest.FixtureRequest, server: PipeWireServer, tmp_path: Path
) -> Mapping[str, str]:
    """Have one of the two programs, and no other."""
    return {**server.env, **only(tmp_path, request.param, "pw-dump")}


async def start(env: Mapping[str, str], directory: Path, **changes: Any) -> Capture:
    """Capture from PipeWire, with the command left at its default."""
    request = await real_router(env)(_asked(directory, **changes))
    return start_capture(request, _LIMITS, real_surroundings(env))


def _asked(directory: Path, **changes: Any) -> CaptureRequest:
    return two_seconds(directory, backend="pipewire", **changes)


def hertz(audio: CapturedAudio) -> list[int]:
    """Find the strongest frequency of the last second of each channel."""
    waves: npt.NDArray[np.int16] = np.frombuffer(samples(audio), "<i2")
    waves = waves.reshape(-1, audio.channels)[-48000:]
    assert np.abs(waves).max() > 8000, "there is next to nothing to hear"
    peaks = np.abs(np.fft.rfft(waves, axis=0)).argmax(axis=0)
    return [int(each) for each in peaks]


def numbers(audio: CapturedAudio, source: str) -> npt.NDArray[np.int64]:
    """
    Read the numbers of the frames, and see that they follow one another.

    :param source: the format in which the source numbered them.
    """
    raw = samples(audio)
    size = audio.format.frame_bytes(audio.channels)
    silent = len(raw) - len(raw.lstrip(b"\0"))  # a stream may begin before its source does
    raw = raw[silent // size * size :]
    if source == "FLOAT_LE":
        raw = as_floats(raw, audio.format)
    found = numbered.decode(raw, FORMATS[source], audio.channels)
    expected = np.arange(found[0], found[0] + len(found)) % numbered.modulus(
        FORMATS[source], audio.channels
    )
    assert np.array_equal(found, expected), np.flatnonzero(found != expected)[:8]
    return found


@pytest.mark.parametrize(
    ("channels", "wished", "source"),
    [
        (2, "S16_LE", "S16_LE"),
        (2, "S24_3LE", "FLOAT_LE"),
        (2, "FLOAT_LE", "FLOAT_LE"),
        (8, "S32_LE", "FLOAT_LE"),
        (32, "S24_LE", "FLOAT_LE"),
        (32, "FLOAT_LE", "FLOAT_LE"),
    ],
)
async def test_every_frame(
    env: Mapping[str, str],
    server: PipeWireServer,
    tmp_path: Path,
    channels: int,
    wished: str,
    source: str,
) -> None:
    """What the source gave is what the file holds, to the bit, frame after frame."""
    server.plug("desk", channels, source, numbered=True)
    try:
        capture = await start(
            env, tmp_path, device="desk", channels=channels, format=FORMATS[wished], seconds=1
        )
        outcome = await capture.when_done()
    finally:
        server.unplug("desk")
    assert isinstance(outcome, Completed), outcome
    assert outcome.audio.frames == 48000
    assert len(numbers(outcome.audio, source)) > 24000


async def test_the_order_of_the_channels(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """Each of 32 channels has its own tone, in its own place; of fewer it is the first ones."""
    server.plug("desk", 32)
    try:
        for channels in (32, 5):
            capture = await start(env, tmp_path, device="desk", channels=channels)
            outcome = await capture.when_done()
            assert isinstance(outcome, Completed), outcome
            assert hertz(outcome.audio) == [440 + 50 * each for each in range(channels)]
    finally:
        server.unplug("desk")


async def test_the_default_source(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """Where nobody names a source it is the server's default one."""
    capture = await start(env, tmp_path, device="default")
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert hertz(outcome.audio) == [440, 490]


async def test_a_source_that_is_not_there(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """A source that is not there is not there: nothing is recorded, and what there is is named."""
    with pytest.raises(NotThere, match="no source nowhere; it has tone"):
        await start(env, tmp_path, device="nowhere")
    assert not (tmp_path / "out").exists()


async def test_more_channels_than_there_are(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """Channels that a source does not have are refused, not recorded as silence."""
    with pytest.raises(CannotLaunch, match="tone cannot deliver 3 channels, it has 2: ask for 2"):
        await start(env, tmp_path, device="tone", channels=3)


async def test_a_source_that_goes_before_the_start(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """When the source goes at the last moment, no other microphone is recorded in its place."""
    server.plug("desk", 2)
    request = await real_router(env)(_asked(tmp_path, device="desk", seconds=60))
    server.unplug("desk")
    capture = start_capture(request, _LIMITS, real_surroundings(env))
    capture.when_done().addTimeout(_SOON_SECONDS, real_surroundings().clock)
    outcome = await capture.when_done()
    assert isinstance(outcome, Failed), outcome
    assert outcome.audio is None
    assert not capture.path.exists()


async def test_a_source_that_is_unplugged(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path
) -> None:
    """A source that goes is a loss within seconds; what was recorded is all of it, and only it."""
    server.plug("desk", 2, "S16_LE", numbered=True)
    capture = await start(env, tmp_path, device="desk", seconds=60)
    await capture.when_started()
    await after(1.5)
    server.unplug("desk")
    outcome = await capture.when_done().addTimeout(_SOON_SECONDS, real_surroundings().clock)
    assert isinstance(outcome, Failed), outcome
    assert outcome.audio is not None
    assert 36000 < len(numbers(outcome.audio, "S16_LE")) < 48000 * 3
    server.plug("desk", 2, "S16_LE", numbered=True)
    try:
        again = await start(env, tmp_path, device="desk", seconds=1)
        assert isinstance(await again.when_done(), Completed)
    finally:
        server.unplug("desk")


@pytest.mark.parametrize("fault", ["crash", "freeze"])
async def test_a_server_that_fails(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path, fault: str
) -> None:
    """A server that dies or stands still is a loss within seconds, and recording begins again."""
    capture = await start(env, tmp_path, device="tone", seconds=60)
    await capture.when_started()
    await after(1.0)
    getattr(server, fault)()
    outcome = await capture.when_done().addTimeout(12, real_surroundings().clock)
    assert isinstance(outcome, Failed), outcome
    assert outcome.audio is not None
    if fault == "crash":
        server.start()
    else:
        server.thaw()
    again = await start(env, tmp_path, device="tone", seconds=1)
    assert isinstance(await again.when_done(), Completed)


@pytest.mark.parametrize("delay", moments(0.0, 1.0, 2))
async def test_a_stop_at_any_moment(
    env: Mapping[str, str], server: PipeWireServer, tmp_path: Path, delay: float
) -> None:
    """A stop keeps every frame until then, and is a good end whatever the program answers."""
    server.plug("desk", 2, "S16_LE", numbered=True)
    try:
        capture = await start(env, tmp_path, device="desk", seconds=60)
        await capture.when_started()
        await after(delay)
        outcome = await capture.stop()
    finally:
        server.unplug("desk")
    assert isinstance(outcome, Completed), outcome
    assert outcome.stopped
    numbers(outcome.audio, "S16_LE")
