"""Captures through a real PipeWire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import start_capture
from rakkr.capture.outcome import Completed
from rakkr.capture.request import CaptureLimits
from tests.integration import pipewire_server
from tests.integration.capture_world import real_surroundings, samples, two_seconds
from tests.integration.pipewire_server import PipeWireServer

_LIMITS = CaptureLimits()
Need = Callable[[str, str], str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipeWireServer | str]:
    """Have one server for all tests here, or the name of what is missing."""
    import shutil

    for program, package in pipewire_server.NEEDS:
        if shutil.which(program) is None:
            yield package
            return
    with PipeWireServer(tmp_path_factory.mktemp("pipewire")) as found:
        yield found


def heard_hertz(audio: CapturedAudio) -> list[int]:
    """Find the strongest frequency of the last second of each channel."""
    waves: npt.NDArray[np.int16] = np.frombuffer(samples(audio), "<i2").reshape(-1, 2)[-48000:]
    assert np.abs(waves).max() > 8000, "there is next to nothing to hear"
    peaks = np.abs(np.fft.rfft(waves, axis=0)).argmax(axis=0)
    return [int(each) for each in peaks]


async def test_arecord_through_pipewire(
    server: PipeWireServer | str, need: Need, tmp_path: Path
) -> None:
    """arecord on the PipeWire plug-in records the tones that the source plays."""
    need("arecord", "alsa-utils")
    for each in pipewire_server.NEEDS:
        need(*each)
    assert isinstance(server, PipeWireServer)
    request = two_seconds(tmp_path, device=server.device)
    world = real_surroundings({**server.env, **server.alsa_env})
    outcome = await start_capture(request, _LIMITS, world).when_done()
    assert isinstance(outcome, Completed), outcome
    assert outcome.audio.frames == 96000
    assert heard_hertz(outcome.audio) == [440, 490]


async def test_pw_record_is_ended_by_us(
    server: PipeWireServer | str, need: Need, tmp_path: Path
) -> None:
    """pw-record, which knows no duration, records the window and little more."""
    for each in (*pipewire_server.NEEDS, ("pw-record", "pipewire-bin")):
        need(*each)
    assert isinstance(server, PipeWireServer)
    request = two_seconds(tmp_path, backend="pipewire", device=server.target)
    outcome = await start_capture(request, _LIMITS, real_surroundings(server.env)).when_done()
    assert isinstance(outcome, Completed), outcome
    assert 96000 <= outcome.audio.frames < 96000 + 24000
    assert heard_hertz(outcome.audio) == [440, 490]
