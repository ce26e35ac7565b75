"""Real renderers obey channel maps, as measured by a tone of its own in each channel; and mp3."""

from __future__ import annotations

import subprocess

import pytest

from rakkr.audio.pcm import FORMATS
from rakkr.render.codec import MP3_CHANNELS, MP3_RATES
from rakkr.render.plan import RenderPlan, plan_render
from tests.integration.render_bench import (
    RATE,
    capture,
    decoded,
    hertz,
    noise,
    rendered,
    straight,
    tones,
)
from tests.render.test_channels import channel_map

MAPS = {
    "mono of one": ("mono", [(3, 1)], [[600]]),
    "mono of two": ("mono", [(1, 1), (6, 1)], [[400, 900]]),
    "both sides": ("mono_to_stereo_mix", [(2, 1), (5, 2)], [[500, 800], [500, 800]]),
    "stereo": ("stereo", [(5, 2), (8, 1)], [[1100], [800]]),
    "stereo of one": ("stereo", [(5, 2)], [[800], [800]]),
    "exchanged": ("multichannel", [(1, 2), (2, 1)], [[500], [400]]),
    "gap": ("multichannel", [(1, 1), (7, 3)], [[400], [], [1000]]),
    "quad": ("multichannel", [(8, 1), (2, 2), (4, 3), (1, 4)], [[1100], [500], [700], [400]]),
}


CASES = [
    (name, codec)
    for name, (_mode, _entries, heard) in MAPS.items()
    for codec in ("wav", "flac", "mp3")
    if codec != "mp3" or len(heard) <= MP3_CHANNELS
]


@pytest.mark.parametrize(("name", "codec"), CASES)
async def test_channel_maps(renderer, tmp_path, name, codec):
    """Every output has the tones of its sources and no others."""
    mode, entries, heard = MAPS[name]
    audio = capture(tmp_path, tones(8, RATE))
    plan = plan_render(
        output_codec=codec,
        output_file_name="r",
        channel_map=channel_map(mode, *entries),
        selection=(),
        channels=8,
        captured_channels=8,
        rate=RATE,
    )
    done = await rendered(renderer, audio, tmp_path / f"r.{codec}", plan)
    got = decoded(renderer, done.path, len(heard))
    assert [hertz(got[:, channel]) for channel in range(len(heard))] == heard


async def test_last_of_32(renderer, tmp_path):
    """Channels far to the right of a wide capture are found."""
    audio = capture(tmp_path, tones(32, RATE))
    plan = plan_render(
        output_codec="flac",
        output_file_name="r",
        channel_map=None,
        selection=(32, 17),
        channels=2,
        captured_channels=32,
        rate=RATE,
    )
    done = await rendered(renderer, audio, tmp_path / "r.flac", plan)
    got = decoded(renderer, done.path, 2)
    assert [hertz(got[:, 0]), hertz(got[:, 1])] == [[3500], [2000]]


@pytest.mark.parametrize(("kbps", "vbr", "channels"), [(8, False, 1), (1000, True, 2)])
async def test_mp3_of_every_rate(renderer, tmp_path, kbps, vbr, channels):
    """An mp3 can be made at every rate that is promised, at any wanted bit rate."""
    for rate in MP3_RATES:
        plan = plan_render(
            output_codec="mp3",
            output_file_name="r",
            channel_map=None,
            selection=(),
            channels=channels,
            captured_channels=channels,
            rate=rate,
            bitrate_kbps=kbps,
            vbr=vbr,
        )
        audio = capture(tmp_path, tones(channels, rate), rate=rate)
        done = await rendered(renderer, audio, tmp_path / "r.mp3", plan)
        assert (done.frames, done.seconds, done.content_type) == (rate, 1.0, "audio/mpeg")
        assert abs(len(decoded(renderer, done.path, channels)) - rate) <= 2 * 1152, rate


async def test_mp3_size(renderer, tmp_path):
    """A constant rate is the rate that was asked for, or 128 kbit/s; beyond 320 it is 320."""
    audio = capture(tmp_path, noise(FORMATS["S16_LE"], 4 * RATE, 2))
    for asked, kbps in ((None, 128), (64, 64), (320, 320), (1000, 320)):
        plan = RenderPlan(codec="mp3", routing=straight(2), bitrate_kbps=asked)
        done = await rendered(renderer, audio, tmp_path / "r.mp3", plan)
        assert abs(done.bytes / (kbps * 1000 / 8 * 4) - 1) < 0.05


async def test_mp3_of_every_format(renderer, tmp_path):
    """An mp3 can be made of every sample format."""
    for name, source in FORMATS.items():
        plan = RenderPlan(codec="mp3", routing=straight(2))
        audio = capture(tmp_path, noise(source, 5000, 2), name)
        assert (await rendered(renderer, audio, tmp_path / "r.mp3", plan)).bytes > 500


async def test_flac_rates(renderer, tmp_path):
    """A flac can be made at the odd rates that are promised."""
    for rate in (8000, 11025, 65534, 88200, 192000, 655340):
        plan = RenderPlan(codec="flac", routing=straight(2))
        audio = capture(tmp_path, tones(2, 20000), rate=rate)
        done = await rendered(renderer, audio, tmp_path / "r.flac", plan)
        assert len(decoded(renderer, done.path, 2)) == 20000


async def test_flac_tools_agree(renderer, tmp_path, need):
    """Somebody else's decoder finds the length and the width that were promised."""
    probe = need("ffprobe", "ffmpeg")
    audio = capture(tmp_path, noise(FORMATS["S32_LE"], 12345, 6), "S32_LE")
    plan = RenderPlan(codec="flac", routing=straight(6))
    done = await rendered(renderer, audio, tmp_path / "r.flac", plan)
    wanted = "stream=channels,bits_per_raw_sample,duration_ts"
    told = subprocess.run(
        [probe, "-v", "error", "-show_entries", wanted, "-of", "default=nk=1", str(done.path)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert sorted(told.stdout.split()[1:-1]) == sorted(["6", "12345", "24"])
