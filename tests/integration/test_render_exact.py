"""Real renderers deliver every sample of the range and no other."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from rakkr.audio.pcm import FORMATS
from rakkr.audio.strip import Strip
from rakkr.render.channels import Routing
from rakkr.render.plan import RenderPlan
from tests.integration.render_bench import (
    capture,
    decoded,
    noise,
    packed,
    rendered,
    straight,
    unpacked,
    wav_data,
)

START, END = 1234, 9877


async def test_wav_of_every_format(renderer, tmp_path):
    """A wav holds exactly the captured numbers of the range, at the captured width."""
    plan = RenderPlan(codec="wav", routing=straight(2))
    for name, source in FORMATS.items():
        values = noise(source, 10000, 2)
        audio = capture(tmp_path, values, name)
        done = await rendered(renderer, Strip.of(audio, START, END), tmp_path / "r.wav", plan)
        expected = packed(values[START:END], FORMATS[unpacked(name)])
        assert wav_data(done.path) == expected, name
        assert (done.frames, done.seconds) == (END - START, (END - START) / 48000)
        assert done.bytes == done.path.stat().st_size


async def test_flac_of_every_format(renderer, tmp_path):
    """A flac holds exactly the captured numbers of the range, the upper 24 bits of wider ones."""
    plan = RenderPlan(codec="flac", routing=straight(2))
    for name, source in FORMATS.items():
        values = noise(source, 10000, 2)
        audio = capture(tmp_path, values, name)
        done = await rendered(renderer, Strip.of(audio, START, END), tmp_path / "r.flac", plan)
        bits = 24 if name.startswith("FLOAT_") else min(source.bits, 32)
        wide = values[START:END] << (32 - bits)
        got = decoded(renderer, done.path, 2)
        np.testing.assert_array_equal(got, wide >> 8 << 8, err_msg=name)


async def test_wav_of_every_width(renderer, tmp_path):
    """Channels keep their order in a wav, however many there are."""
    for channels in (1, 2, 3, 4, 5, 6, 7, 8, 32, 64, 72):
        values = noise(FORMATS["S24_3LE"], 4000, channels)
        plan = RenderPlan(codec="wav", routing=straight(channels))
        audio = capture(tmp_path, values, "S24_3LE")
        done = await rendered(renderer, audio, tmp_path / "r.wav", plan)
        assert wav_data(done.path) == packed(values, FORMATS["S24_3LE"]), channels


async def test_no_loudspeakers(renderer, tmp_path):
    """Six microphones are not the six loudspeakers of a cinema: a wav is plain PCM and says so."""
    audio = capture(tmp_path, noise(FORMATS["S16_LE"], 500, 6))
    plan = RenderPlan(codec="wav", routing=straight(6))
    done = await rendered(renderer, audio, tmp_path / "r.wav", plan)
    content = done.path.read_bytes()
    place = content.index(b"fmt ") + 8
    assert int.from_bytes(content[place : place + 2], "little") == 1


@pytest.mark.parametrize("extra", [0, 3])
async def test_flac_of_every_width(renderer, tmp_path, extra):
    """Channels keep their order in a flac, also when they are the first of a wider capture."""
    for channels in range(1, 9):
        values = noise(FORMATS["S16_LE"], 9000, channels + extra)
        plan = RenderPlan(codec="flac", routing=straight(channels))
        done = await rendered(renderer, capture(tmp_path, values), tmp_path / "r.flac", plan)
        got = decoded(renderer, done.path, channels)
        np.testing.assert_array_equal(got, values[:, :channels] << 16, err_msg=str(channels))


async def test_24_bits_in_4_bytes_of_many_channels(renderer, tmp_path):
    """The undefined byte of a sample is taken away from every channel of a wide capture."""
    values = noise(FORMATS["S24_LE"], 4000, 64)
    plan = RenderPlan(codec="wav", routing=straight(64))
    audio = capture(tmp_path, values, "S24_LE")
    done = await rendered(renderer, audio, tmp_path / "r.wav", plan)
    assert wav_data(done.path) == packed(values, FORMATS["S24_3LE"])


EXCHANGES = [(codec, n) for codec in ("wav", "flac") for n in (3, 4, 6, 8)]


@pytest.mark.parametrize(("codec", "channels"), [*EXCHANGES, ("wav", 9), ("wav", 32), ("wav", 63)])
async def test_any_exchange_of_channels(renderer, tmp_path, codec, channels):
    """Channels that are exchanged, and a silent one, come out sample for sample where they must."""
    order = [(c * 3 + 1) % (channels + 1) for c in range(channels)]
    values = noise(FORMATS["S32_LE"], 5000, channels + 1)
    routing = Routing((*((source,) for source in order[:-1]), ()))
    plan = RenderPlan(codec=codec, routing=routing)
    done = await rendered(
        renderer, capture(tmp_path, values, "S32_LE"), tmp_path / f"r.{codec}", plan
    )
    expected = values[:, order]
    expected[:, -1] = 0
    got = decoded(renderer, done.path, channels)
    np.testing.assert_array_equal(got, expected if codec == "wav" else expected >> 8 << 8)


@pytest.mark.parametrize("codec", ["wav", "flac"])
@pytest.mark.parametrize("edges", [(0, 16), (9984, 10000), (0, 4096), (0, 4097)])
async def test_edges(renderer, tmp_path, codec, edges):
    """A range may be as short as a flac can be, touch either end, or end with a packet."""
    values = noise(FORMATS["S16_LE"], 10000, 2)
    plan = RenderPlan(codec=codec, routing=straight(2))
    done = await rendered(
        renderer,
        Strip.of(capture(tmp_path, values), *edges),
        tmp_path / f"r.{codec}",
        plan,
    )
    np.testing.assert_array_equal(
        decoded(renderer, done.path, 2), values[edges[0] : edges[1]] << 16
    )


async def test_capture_that_goes_on(renderer, tmp_path):
    """What another recording appends to the capture is no part of this one."""
    values = noise(FORMATS["S16_LE"], 96000, 2)
    audio = attrs.evolve(capture(tmp_path, values), frames=48000)

    def append(_seconds: float) -> None:
        with audio.path.open("ab") as growing:
            growing.write(b"\x55" * 4096)

    plan = RenderPlan(codec="flac", routing=straight(2))
    append(0)
    done = await rendered(renderer, audio, tmp_path / "r.flac", plan, progress=append)
    np.testing.assert_array_equal(decoded(renderer, done.path, 2), values[:48000] << 16)


async def test_far_into_a_long_capture(renderer, tmp_path):
    """A range behind 8 GiB of a capture is reached at once and exact."""
    values = noise(FORMATS["S16_LE"], 3000, 2)
    audio = capture(tmp_path, values[:0])
    start = 2**31 + 77
    with audio.path.open("r+b") as sparse:
        sparse.seek(audio.data_offset + start * 4)
        sparse.write(packed(values, audio.format))
    audio = attrs.evolve(audio, frames=start + 3000)
    plan = RenderPlan(codec="wav", routing=straight(2))
    done = await rendered(
        renderer, Strip.of(audio, start + 1000, start + 2000), tmp_path / "r.wav", plan
    )
    assert wav_data(done.path) == packed(values[1000:2000], audio.format)


async def test_headerless(renderer, tmp_path):
    """Headerless PCM of 24 bits in 4 bytes is read to its last byte."""
    for name in ("S24_LE", "S24_BE"):
        values = noise(FORMATS[name], 3000, 4)
        path = tmp_path / "c.raw.pcm"
        path.write_bytes(packed(values, FORMATS[name]))
        audio = attrs.evolve(capture(tmp_path, values, name), path=path, data_offset=0, wav=False)
        plan = RenderPlan(codec="wav", routing=straight(4))
        done = await rendered(renderer, audio, tmp_path / "r.wav", plan)
        assert wav_data(done.path) == packed(values, FORMATS["S24_3LE"])


async def test_odd_names(renderer, tmp_path: Path):
    """Colons, percent signs, pipes and spaces in names mean nothing to ffmpeg."""
    values = noise(FORMATS["S16_LE"], 500, 2)
    folder = tmp_path / "a: b|%04d 'c'"
    folder.mkdir()
    plan = RenderPlan(codec="wav", routing=straight(2))
    done = await rendered(renderer, capture(folder, values), folder / "-r%d:.wav", plan)
    assert [each.name for each in folder.iterdir() if "r%d" in each.name] == ["-r%d:.wav"]
    assert wav_data(done.path) == packed(values, FORMATS["S16_LE"])
