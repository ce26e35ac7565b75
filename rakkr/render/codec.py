"""The three kinds of file that a recording is delivered as, and how ffmpeg is told to make them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, Literal

from rakkr.audio.pcm import SampleFormat
from rakkr.render.errors import ImpossibleRender

Codec = Literal["wav", "flac", "mp3"]

_BY_NAME: Final[Mapping[str, Codec]] = MappingProxyType(
    {"wav": "wav", "flac": "flac", "mp3": "mp3"}
)
_CONTENT_TYPES: Final[Mapping[Codec, str]] = MappingProxyType(
    {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg"}
)

FLAC_CHANNELS: Final = 8
MP3_CHANNELS: Final = 2
MP3_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_KBPS: Final = 128
# A FLAC frame header holds the rate as 16 bits of Hz, or as 16 bits of tens of Hz.
_FLAC_HZ: Final = 65535
_FLAC_TENS_OF_HZ: Final = 655350

# Lowest rate in kbit/s of each LAME quality from 0 on; below the last one it is 9.
_VBR_FROM: Final = (245, 225, 190, 175, 165, 128, 112, 96, 80)


def choose_codec(output_codec: str | None, output_file_name: str) -> Codec:
    """
    Decide what to make: the codec that was asked for, else the one of the file name, else wav.

    An unknown codec, like an unknown file name extension, is as good as none.
    """
    asked = _BY_NAME.get((output_codec or "").strip().lower())
    if asked is not None:
        return asked
    return _BY_NAME.get(PurePosixPath(output_file_name).suffix[1:].lower(), "wav")


def content_type(codec: Codec) -> str:
    """Return the media type of an uploaded file."""
    return _CONTENT_TYPES[codec]


def check_codec(codec: Codec, channels: int, rate: int) -> None:
    """
    Check that ``channels`` at ``rate`` Hz can be coded.

    :raises ImpossibleRender: saying what the codec can do and what to change.
    """
    if codec == "flac":
        _check_flac(channels, rate)
    elif codec == "mp3":
        _check_mp3(channels, rate)


def _check_flac(channels: int, rate: int) -> None:
    if channels > FLAC_CHANNELS:
        raise ImpossibleRender(
            f"flac holds at most {FLAC_CHANNELS} channels and {channels} were asked for; "
            "record wav, or map fewer channels"
        )
    if rate >= _FLAC_HZ and (rate % 10 or rate >= _FLAC_TENS_OF_HZ):
        raise ImpossibleRender(
            f"flac cannot be made at {rate} Hz; record wav, or capture at a usual rate"
        )


def _check_mp3(channels: int, rate: int) -> None:
    if channels > MP3_CHANNELS:
        raise ImpossibleRender(
            f"mp3 holds at most {MP3_CHANNELS} channels and {channels} were asked for; "
            "record flac or wav, or map to mono or stereo"
        )
    if rate not in MP3_RATES:
        raise ImpossibleRender(
            f"mp3 cannot be made at {rate} Hz; record flac or wav, or capture at one of "
            f"{', '.join(map(str, MP3_RATES))} Hz"
        )


def codec_args(
    codec: Codec, source: SampleFormat, *, bitrate_kbps: int | None, vbr: bool
) -> list[str]:
    """
    Return the encoder and muxer arguments.

    wav keeps the captured width: 8 bit (as unsigned, which is what WAV knows), 16, 24, 32, float
    or double.  flac takes 16 bit from sources of 8 and 16 bits and 24 bit from all others, because
    that is as wide as every decoder goes; a float source is clipped at full scale there.
    """
    if codec == "wav":
        return ["-codec:a", _wav_codec(source), "-rf64", "auto", "-f", "wav"]
    if codec == "flac":
        wide = ["-sample_fmt", "s32", "-bits_per_raw_sample", "24"]
        narrow = ["-sample_fmt", "s16"]
        return ["-codec:a", "flac", *(narrow if source.bits <= 16 else wide), "-f", "flac"]  # noqa: PLR2004
    quality = (
        ["-q:a", str(vbr_quality(bitrate_kbps))]
        if vbr
        else ["-b:a", f"{bitrate_kbps or MP3_KBPS}k"]
    )
    return ["-codec:a", "libmp3lame", *quality, "-f", "mp3"]


def vbr_quality(bitrate_kbps: int | None) -> int:
    """Return the LAME quality, 0 (best) to 9, whose usual rate is nearest to ``bitrate_kbps``."""
    wanted = bitrate_kbps or MP3_KBPS
    for quality, lowest in enumerate(_VBR_FROM):
        if wanted >= lowest:
            return quality
    return len(_VBR_FROM)


def _wav_codec(source: SampleFormat) -> str:
    if source.kind == "float":
        return f"pcm_f{source.bits}le"
    return "pcm_u8" if source.bits == 8 else f"pcm_s{source.bits}le"  # noqa: PLR2004
