"""The real ``arecord`` records from a device whose frames are numbered."""

from __future__ import annotations

import wave as standard_wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.capture import start_capture
from rakkr.capture.outcome import Completed, Failed
from rakkr.capture.request import CaptureLimits
from tests.integration import alsa_device
from tests.integration.alsa_device import AlsaDevice
from tests.integration.capture_world import after, frame_numbers, real_surroundings, two_seconds
from tests.integration.moments import moments

_LIMITS = CaptureLimits()
Need = Callable[[str, str], str]


@pytest.fixture
def device(tmp_path: Path, need: Need) -> Iterator[AlsaDevice]:
    """Have a stereo device."""
    for each in alsa_device.NEEDS:
        need(*each)
    with AlsaDevice(tmp_path) as found:
        yield found


async def test_every_frame_of_the_window(device: AlsaDevice, tmp_path: Path) -> None:
    """A capture holds exactly the frames of its window, from the first on, in a WAV for all."""
    capture = start_capture(two_seconds(tmp_path), _LIMITS, real_surroundings(device.env))
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(96000))
    with standard_wave.open(str(outcome.audio.path)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (96000, 48000, 2)
    assert [each.name for each in outcome.audio.path.parent.iterdir()] == ["take.raw.wav"]


async def test_32_channels(tmp_path: Path, need: Need) -> None:
    """32 channels of 32 bits arrive whole."""
    for each in alsa_device.NEEDS:
        need(*each)
    with AlsaDevice(tmp_path, channels=32) as device:
        wide = two_seconds(tmp_path, channels=32, format=sample_format("S32_LE"))
        outcome = await start_capture(wide, _LIMITS, real_surroundings(device.env)).when_done()
    assert isinstance(outcome, Completed), outcome
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(96000))
    with outcome.audio.path.open("rb") as file:
        found = wave.read_header(file)
    assert (found.channels, found.format.name, found.whole) == (32, "S32_LE", True)


@pytest.mark.parametrize("delay", moments(0.1, 1.5, 3))
async def test_stop_at_any_moment(device: AlsaDevice, tmp_path: Path, delay: float) -> None:
    """A stop at any moment keeps every frame from the first on, and the header says how many."""
    request = two_seconds(tmp_path, seconds=600)
    capture = start_capture(request, _LIMITS, real_surroundings(device.env))
    assert await capture.when_started() is not None
    await after(delay)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert outcome.stopped
    numbers = frame_numbers(outcome.audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert len(numbers) >= (delay - 0.5) * 48000
    with outcome.audio.path.open("rb") as file:
        assert wave.read_header(file).whole


async def test_an_overrun_is_counted(device: AlsaDevice, tmp_path: Path) -> None:
    """An overrun is in the outcome of a capture that is good otherwise."""
    capture = start_capture(two_seconds(tmp_path), _LIMITS, real_surroundings(device.env))
    await capture.when_started()
    await after(0.5)
    device.overrun()
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert outcome.dropouts.count == 1
    assert outcome.dropouts.milliseconds > 0
    steps = np.diff(frame_numbers(outcome.audio))
    assert (steps != 1).sum() == 1
    assert outcome.audio.frames == 96000


async def test_a_device_that_goes(device: AlsaDevice, tmp_path: Path) -> None:
    """A device that vanishes fails the capture with arecord's reason, and what was heard stays."""
    capture = start_capture(two_seconds(tmp_path), _LIMITS, real_surroundings(device.env))
    await capture.when_started()
    await after(0.5)
    device.unplug()
    outcome = await capture.when_done()
    assert isinstance(outcome, Failed), outcome
    assert "failed with status exit status: 1" in outcome.error
    assert "No such device" in outcome.error
    assert outcome.audio is not None
    numbers = frame_numbers(outcome.audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert len(numbers) > 12000


async def test_a_device_that_does_not_exist(device: AlsaDevice, tmp_path: Path) -> None:
    """A device that is not there fails the capture at once, with arecord's reason in one line."""
    request = two_seconds(tmp_path, device="nonsense")
    outcome = await start_capture(request, _LIMITS, real_surroundings(device.env)).when_done()
    assert isinstance(outcome, Failed), outcome
    assert "Unknown PCM nonsense; arecord: main:" in outcome.error
    assert outcome.audio is None


async def test_a_rate_that_the_device_does_not_have(device: AlsaDevice, tmp_path: Path) -> None:
    """A device of another rate ends the capture early; what was heard has the rate that it has."""
    request = two_seconds(tmp_path, rate=44100, seconds=600)
    capture = start_capture(request, _LIMITS, real_surroundings(device.env))
    outcome = await capture.when_done()
    assert isinstance(outcome, Failed), outcome
    assert "44100 Hz" in outcome.error
    assert "ask for 48000 Hz" in outcome.error
    assert outcome.audio is not None
    assert outcome.audio.rate == 48000
    assert outcome.audio.seconds < 5
    with standard_wave.open(str(outcome.audio.path)) as file:
        assert file.getframerate() == 48000


async def test_24_bits_in_a_file_of_arecord(device: AlsaDevice, tmp_path: Path) -> None:
    """What arecord writes of S24_LE is read as what it is."""
    template = "-D {device} -f {format} -r {sample_rate} -c {channels} -d {seconds} {output}"
    request = two_seconds(
        tmp_path, args_template=template, seconds=1, format=sample_format("S24_LE")
    )
    outcome = await start_capture(request, _LIMITS, real_surroundings(device.env)).when_done()
    assert isinstance(outcome, Completed), outcome
    assert (outcome.audio.format.name, outcome.audio.wav) == ("S24_LE", False)
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(48000))


async def test_arecord_that_owns_its_file(device: AlsaDevice, tmp_path: Path) -> None:
    """With a template arecord writes its own file, which is whole after a stop too."""
    template = "-D {device} -f {format} -r {sample_rate} -c {channels} -d {seconds} {output}"
    request = two_seconds(tmp_path, args_template=template, seconds=600)
    capture = start_capture(request, _LIMITS, real_surroundings(device.env))
    await capture.when_started()
    await after(0.5)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert (outcome.audio.data_offset, outcome.audio.wav) == (44, True)
    numbers = frame_numbers(outcome.audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert len(numbers) > 12000
