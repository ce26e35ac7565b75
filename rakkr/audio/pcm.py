"""Sample formats by their ALSA names."""

from __future__ import annotations

from typing import Final, Literal

import attrs


class UnknownFormat(ValueError):
    """A sample format that the agent cannot size; the message is for people."""


@attrs.frozen
class SampleFormat:
    """
    How one sample of one channel lies in memory.

    :ivar name: as ``arecord -f`` takes it, for example ``S24_3LE``.
    :ivar container_bytes: bytes from one sample to the next of the same frame.
    :ivar bits: bits that carry signal, in the low end of the container.
    :ivar kind: how the number is coded.
    :ivar big_endian: byte order; of no meaning for one byte.
    """

    name: str
    container_bytes: int
    bits: int
    kind: Literal["signed", "unsigned", "float"]
    big_endian: bool = False

    def frame_bytes(self, channels: int) -> int:
        """Bytes of one frame of ``channels`` interleaved samples."""
        return self.container_bytes * channels


def _table() -> dict[str, SampleFormat]:
    formats = [SampleFormat("S8", 1, 8, "signed"), SampleFormat("U8", 1, 8, "unsigned")]
    for order in ("LE", "BE"):
        big = order == "BE"
        formats += [
            SampleFormat(f"S16_{order}", 2, 16, "signed", big),
            SampleFormat(f"S24_{order}", 4, 24, "signed", big),
            SampleFormat(f"S24_3{order}", 3, 24, "signed", big),
            SampleFormat(f"S32_{order}", 4, 32, "signed", big),
            SampleFormat(f"FLOAT_{order}", 4, 32, "float", big),
            SampleFormat(f"FLOAT64_{order}", 8, 64, "float", big),
        ]
    return {each.name: each for each in formats}


FORMATS: Final = _table()
_ALIASES: Final = {
    "F32_LE": "FLOAT_LE",
    "F32_BE": "FLOAT_BE",
    "CD": "S16_LE",
    "DAT": "S16_LE",
}


def sample_format(name: str) -> SampleFormat:
    """
    Look a format up by its ALSA name, in any case.

    :raises UnknownFormat: naming the formats that exist.
    """
    upper = name.strip().upper()
    found = FORMATS.get(_ALIASES.get(upper, upper))
    if found is None:
        known = ", ".join(FORMATS)
        raise UnknownFormat(f"sample format {name!r} is not known; use one of {known}")
    return found
