"""Real renderers get segments and silence as one recording, sample for sample."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
from numpy.typing import NDArray
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.audio.strip import Piece, Strip
from rakkr.audio.wave import read_header
from rakkr.render.binary import Renderer
from rakkr.render.channels import Routing
from rakkr.render.errors import RenderFailed
from rakkr.render.plan import RenderPlan
from rakkr.render.runner import Rendered
from tests.integration.render_bench import (
    capture,
    decoded,
    noise,
    packed,
    rendered,
    renderer_named,
    straight,
    unpacked,
    wav_data,
)

FLAC = RenderPlan(codec="flac", routing=straight(2))
# Segments, and what is silent behind each; none is a whole number of packets or blocks.
SEGMENTS = ((3001, 517), (1, 0), (40000, 7))


@pytest.fixture
def installed(need: Callable[[str, str], str]) -> Renderer:
    """The installed ffmpeg."""
    return renderer_named("installed", need)


def silence(like: Strip, frames: int) -> Strip:
    """Return silence of the same shape."""
    return attrs.evolve(like, pieces=(Piece(None, 0, frames),))


def strung(folder: Path, source: SampleFormat, channels: int) -> tuple[Strip, NDArray[np.int64]]:
    """Capture three segments with gaps between them; return also the samples of the whole."""
    values, strips = [], []
    for number, (frames, gap) in enumerate(SEGMENTS):
        some = noise(source, frames, channels)
        audio = capture(folder, some, source.name, stem=f"segment {number}")
        strips += [Strip.of(audio), silence(Strip.of(audio), gap)]
        values += [some, np.zeros((gap, channels), np.int64)]
    whole = strips[0]
    for strip in strips[1:]:
        whole += strip
    return whole, np.concatenate(values)


async def test_wav_of_every_format(renderer, tmp_path):
    """A wav holds the samples of all segments in their places, and silence between them."""
    plan = RenderPlan(codec="wav", routing=straight(2))
    for name, source in FORMATS.items():
        strip, values = strung(tmp_path, source, 2)
        done = await rendered(renderer, strip, tmp_path / "r.wav", plan)
        assert wav_data(done.path) == packed(values, FORMATS[unpacked(name)]), name
        assert (done.frames, done.seconds) == (len(values), len(values) / 48000)


async def test_flac_of_every_format(renderer, tmp_path):
    """A flac holds the same, the upper 24 bits of wider samples."""
    for name, source in FORMATS.items():
        strip, values = strung(tmp_path, source, 2)
        done = await rendered(renderer, strip, tmp_path / "r.flac", FLAC)
        bits = 24 if name.startswith("FLOAT_") else min(source.bits, 32)
        got = decoded(renderer, done.path, 2)
        np.testing.assert_array_equal(got, (values << (32 - bits)) >> 8 << 8, err_msg=name)


@pytest.mark.parametrize("channels", [1, 2, 8, 32, 72])
async def test_every_width(renderer, tmp_path, channels):
    """Channels stay in their order, however many there are."""
    strip, values = strung(tmp_path, FORMATS["S24_3LE"], channels)
    plan = RenderPlan(codec="wav", routing=straight(channels))
    done = await rendered(renderer, strip, tmp_path / "r.wav", plan)
    assert wav_data(done.path) == packed(values, FORMATS["S24_3LE"])
    if channels <= 8:
        done = await rendered(
            renderer, strip, tmp_path / "r.flac", attrs.evolve(plan, codec="flac")
        )
        np.testing.assert_array_equal(decoded(renderer, done.path, channels), values << 8)


@pytest.mark.parametrize("codec", ["wav", "flac"])
@pytest.mark.parametrize("channels", [8, 32])
async def test_maps(renderer, tmp_path, codec, channels):
    """Channels are picked out of all segments alike, a silent one among them."""
    strip, values = strung(tmp_path, FORMATS["S16_LE"], channels)
    plan = RenderPlan(codec=codec, routing=Routing(((channels - 1,), (0,), (), (4,))))
    done = await rendered(renderer, strip, tmp_path / "r", plan)
    expected = values[:, [channels - 1, 0, 0, 4]] << 16
    expected[:, 2] = 0
    np.testing.assert_array_equal(decoded(renderer, done.path, 4), expected)


async def test_ranges(renderer, tmp_path):
    """A range of a strip begins and ends at its frames, in a segment or in a gap."""
    strip, values = strung(tmp_path, FORMATS["S16_LE"], 2)
    first, gap = SEGMENTS[0]
    for start, end in ((0, first + 1), (first - 1, first + gap + 1), (first + 3, first + gap + 2)):
        done = await rendered(renderer, strip.cut(start, end), tmp_path / "r.flac", FLAC)
        np.testing.assert_array_equal(decoded(renderer, done.path, 2), values[start:end] << 16)


async def test_only_silence(renderer, tmp_path):
    """A chunk of which nothing was captured is silence of its length."""
    for name in ("U8", "S16_LE", "S24_LE"):
        strip = silence(strung(tmp_path, FORMATS[name], 2)[0], 30001)
        done = await rendered(renderer, strip, tmp_path / "r.flac", FLAC)
        assert not decoded(renderer, done.path, 2).any(), name
        assert len(decoded(renderer, done.path, 2)) == 30001


async def test_mp3(renderer, tmp_path):
    """An mp3 can be made of segments, too."""
    strip, values = strung(tmp_path, FORMATS["S32_LE"], 2)
    plan = RenderPlan(codec="mp3", routing=straight(2))
    done = await rendered(renderer, strip, tmp_path / "r.mp3", plan)
    assert abs(len(decoded(renderer, done.path, 2)) - len(values)) <= 2 * 1152


async def test_odd_names(renderer, tmp_path):
    """Names of segments may hold anything that the file system takes, in any locale."""
    folder = tmp_path / "a: 'b' |%04d \udcff\n ü"
    folder.mkdir()
    strip, values = strung(folder, FORMATS["S16_LE"], 2)
    done = await rendered(renderer, strip, tmp_path / "r.flac", FLAC)
    np.testing.assert_array_equal(decoded(renderer, done.path, 2), values << 16)


def sparse(folder: Path, source: SampleFormat, frames: int, last: bytes) -> CapturedAudio:
    """Capture silence that takes no space, with some bytes at its end."""
    audio = capture(folder, noise(source, 1, 2)[:0], source.name, stem="long")
    end = audio.data_offset + frames * source.frame_bytes(2)
    with audio.path.open("r+b") as file:
        file.seek(end - len(last))
        file.write(last)
    return attrs.evolve(audio, frames=frames)


async def test_far_into_a_long_strip(renderer, tmp_path):
    """A range around a seam behind 5 GiB is reached at once and exact."""
    source = FORMATS["S16_LE"]
    values = noise(source, 3000, 2)
    frames = (5 << 30) // 4 + 77
    audio = sparse(tmp_path, source, frames, packed(values, source))
    whole = Strip.of(audio) + silence(Strip.of(audio), 10) + Strip.of(audio)
    strip = whole.cut(frames - 2000, frames + 20)
    done = await rendered(renderer, strip, tmp_path / "r.wav", FLAC)
    expected = np.concatenate([values[1000:], np.zeros((20, 2), np.int64)])
    np.testing.assert_array_equal(decoded(renderer, done.path, 2), expected << 16)


@pytest.mark.deadline(240)
async def test_more_than_4_gib(installed, tmp_path):
    """What is strung together may pass 4 GiB: the wav becomes RF64, whole to its last sample."""
    if shutil.disk_usage(tmp_path).free < 6 << 30:
        pytest.skip("this needs 6 GiB of free disk space")
    source = FORMATS["FLOAT64_LE"]
    values = noise(source, 3000, 2)
    audio = sparse(tmp_path, source, 1 << 26, packed(values, source))
    gap = (3 << 30) // 16 + 5
    strip = silence(Strip.of(audio), gap) + Strip.of(audio) + silence(Strip.of(audio), 3)
    strip += Strip.of(audio, audio.frames - 3000)
    assert strip.bytes > 4 << 30
    plan = RenderPlan(codec="wav", routing=straight(2))
    done = await rendered(installed, strip, tmp_path / "r.wav", plan)
    try:
        with done.path.open("rb") as file:
            found = read_header(file)
            assert (found.kind, found.data_bytes, found.whole) == ("rf64", strip.bytes, True)
            file.seek(found.data_offset + strip.bytes - 6003 * 16)
            tail = file.read()
    finally:
        done.path.unlink()
    assert tail == packed(values, source) + bytes(3 * 16) + packed(values, source)


def children_of_ours() -> dict[int, str]:
    """Return the command lines of the children of this process."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = [int(pid) for task in tasks for pid in task.read_text().split()]
    return {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in found}


async def running(renderer: Renderer, folder: Path) -> tuple[Deferred[Rendered], int, int]:
    """Start a render of hours, and wait until it moves; return also ffmpeg and its feeder."""
    moved: Deferred[float] = Deferred()

    def told(seconds: float) -> None:
        if not moved.called:
            moved.callback(seconds)

    strip = silence(strung(folder, FORMATS["S16_LE"], 2)[0], 1 << 40)
    job = Deferred.fromCoroutine(rendered(renderer, strip, folder / "r.flac", FLAC, progress=told))
    assert await moved > 0
    pids = {line: pid for pid, line in children_of_ours().items()}
    (ffmpeg,) = (pid for line, pid in pids.items() if "pipe:0" in line)
    (feeder,) = (pid for line, pid in pids.items() if "feed.py" in line)
    return job, ffmpeg, feeder


def open_descriptors() -> int:
    """Count the descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def gone(*pids: int) -> None:
    """Wait until processes are gone and reaped."""
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        await deferLater(reactor, 0.01, lambda: None)


def segments(folder: Path) -> list[str]:
    """Return the files of a folder."""
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        (0, r"ffmpeg failed with status signal 9 \(SIGKILL\)"),
        (1, r"the pieces of the recording could not be read, signal 9 \(SIGKILL\)"),
    ],
)
async def test_killed(installed, tmp_path, who, sentence):
    """Whichever of the two the kernel kills is named, and the other does not outlive it."""
    descriptors = open_descriptors()
    job, *pids = await running(installed, tmp_path)
    os.kill(pids[who], signal.SIGKILL)
    with pytest.raises(RenderFailed, match=sentence):
        await job
    await gone(*pids)
    assert len(segments(tmp_path)) == 3
    assert open_descriptors() == descriptors


async def test_cancelled(installed, tmp_path):
    """A render that is cancelled ends both programs and leaves nothing behind."""
    descriptors = open_descriptors()
    job, *pids = await running(installed, tmp_path)
    job.cancel()
    with pytest.raises(CancelledError):
        await job
    await gone(*pids)
    assert len(segments(tmp_path)) == 3
    assert open_descriptors() == descriptors


async def test_polite(installed, tmp_path):
    """Feeding gives way to captures as rendering does."""
    job, *pids = await running(installed, tmp_path)
    assert [os.getpriority(os.PRIO_PROCESS, pid) >= 10 for pid in pids] == [True, True]
    job.cancel()
    with pytest.raises(CancelledError):
        await job
    await gone(*pids)


async def test_segment_that_is_gone(installed, tmp_path):
    """A segment that is gone, or too short by one byte, fails the recording and is named."""
    strip, _values = strung(tmp_path, FORMATS["S16_LE"], 2)
    last = strip.pieces[-2].audio
    assert last is not None
    with last.path.open("r+b") as file:
        file.truncate(last.path.stat().st_size - 1)
    with pytest.raises(RenderFailed, match=r"segment 2.raw.wav ends 1 bytes before its piece"):
        await rendered(installed, strip, tmp_path / "r.flac", FLAC)
    last.path.unlink()
    with pytest.raises(RenderFailed, match=r"segment 2.raw.wav: No such file or directory"):
        await rendered(installed, strip, tmp_path / "r.flac", FLAC)
    assert segments(tmp_path) == ["segment 0.raw.wav", "segment 1.raw.wav"]


async def test_no_feeder(installed, tmp_path):
    """A feeder that is not there, or an interpreter without its script, is named."""
    strip, _values = strung(tmp_path, FORMATS["S16_LE"], 2)
    for feed in (("python3", "-I", "-S", "/no/such/feed.py"), ("/no/such/python",)):
        with pytest.raises(RenderFailed, match=r"could not be read, .*/no/such"):
            await rendered(Renderer(installed.command), strip, tmp_path / "r", FLAC, feed=feed)


@pytest.mark.parametrize("frames", [100, 2_000_000])
async def test_full_disk(renderer, tmp_path, frames):
    """A disk that is full at the last block, or long before, is told apart from other failures."""
    strip, _values = strung(tmp_path, FORMATS["S16_LE"], 2)
    longer = strip.cut(0, 100) + silence(strip, frames)
    onto_a_full_disk = tmp_path / "ffmpeg"
    onto_a_full_disk.write_text(
        f'#!/bin/bash\nexec {renderer.command} "${{@:1:$#-1}}" file:/dev/full\n'
    )
    onto_a_full_disk.chmod(stat.S_IRWXU)
    plan = RenderPlan(codec="wav", routing=straight(2))
    for recording in (longer, Strip.of(capture(tmp_path, noise(FORMATS["S16_LE"], frames, 2)))):
        with pytest.raises(RenderFailed, match="No space left on device") as told:
            await rendered(Renderer(str(onto_a_full_disk)), recording, tmp_path / "r", plan)
        assert told.value.disk_full
