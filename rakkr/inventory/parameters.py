"""
What a device can do: channels, rates and formats, as ALSA's tools and the kernel print them.

``arecord --dump-hw-params`` prints ranges of what the hardware takes before it refuses what it was
asked for, so what it printed counts, whatever its exit code::

    HW Params of device "hw:Desk":
    --------------------
    FORMAT:  S16_LE S32_LE
    CHANNELS: [1 32]
    RATE: [44100 96000]
    --------------------

A device that runs shows in ``/proc/asound`` what it was opened with, which may be less.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from rakkr.inventory.rates import MOST_CHANNELS, numbers, rates_between, rates_in, rising

_RULER: Final = "--------------------"
_FORMAT: Final = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_NO_FORMATS: Final = frozenset({"ALL", "NONE"})
CLOSED: Final = "closed"


@attrs.frozen
class Parameters:
    """
    What a device can do; None is "not known".

    :ivar channel_count: the most channels.
    :ivar sample_rates: in Hz, rising, never empty.
    :ivar formats: ALSA's names of sample formats, in the order in which they were printed.
    """

    channel_count: int | None = None
    sample_rates: tuple[int, ...] | None = None
    formats: tuple[str, ...] | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask for that a controller wants to know."""
        return self.channel_count is not None and self.sample_rates is not None

    def or_else(self, other: Parameters) -> Parameters:
        """These, and what is not known of them from another source."""
        return Parameters(
            self.channel_count or other.channel_count,
            self.sample_rates or other.sample_rates,
            self.formats or other.formats,
        )


NOTHING: Final = Parameters()


def parse_stream(text: str) -> Parameters:
    """
    Read the description of a USB device, ``/proc/asound/cardN/streamM``.

    A device has several alternate settings, each with its own channels and rates: the most
    channels count, and the rates and formats of all.  A continuous range gives its ends and the
    standard rates between them.
    """
    channels: set[int] = set()
    rates: list[int] = []
    formats: dict[str, None] = {}
    inside = False
    for line in map(str.strip, text.split("\n")):
        name, _, value = line.partition(":")
        if line.endswith(":"):
            inside = line == "Capture:"
        elif inside and name == "Channels":
            channels.update(n for n in numbers(value) if 1 <= n <= MOST_CHANNELS)
        elif inside and name == "Rates":
            rates += _stream_rates(value)
        elif inside and name == "Format":
            formats.update(dict.fromkeys(_formats(value)))
    return Parameters(max(channels, default=None), rising(rates), tuple(formats) or None)


def parse_dump(text: str) -> Parameters:
    """Read what ``--dump-hw-params`` printed; lines that are not understood are passed over."""
    found = NOTHING
    for line in map(str.strip, text.split("\n")):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if name == "CHANNELS":
            most = max(numbers(value), default=0)
            found = attrs.evolve(found, channel_count=min(most, MOST_CHANNELS) or None)
        elif name == "RATE":
            rates = rates_in(value)
            every = rates_between(min(rates), max(rates)) if rates else []
            found = attrs.evolve(found, sample_rates=rising(every))
        elif name == "FORMAT":
            found = attrs.evolve(found, formats=_formats(value) or None)
    return found


def dump_is_whole(text: str) -> bool:
    """Whether the program has printed all of its parameters, and may be ended."""
    rulers = [line for line in text.split("\n")[:-1] if line.strip() == _RULER]
    return len(rulers) > 1


def parse_running(text: str) -> Parameters:
    """Read ``/proc/asound/cardC/pcmDc/sub0/hw_params``; nothing of a device that is closed."""
    lines = (line.partition(":") for line in text.split("\n"))
    told = {name.strip(): value for name, _, value in lines}
    channels = numbers(told.get("channels", ""))[:1]
    return Parameters(
        next((n for n in channels if 1 <= n <= MOST_CHANNELS), None),
        rising(rates_in(told.get("rate", ""))[:1]),
        _formats(told.get("format", "")) or None,
    )


def is_closed(status: str | None) -> bool:
    """Whether a subdevice is surely not in use, by the text of its ``status``."""
    return status is not None and status.strip() == CLOSED


def _stream_rates(value: str) -> list[int]:
    ends = rates_in(value)
    return rates_between(min(ends), max(ends)) if "continuous" in value and ends else ends


def _formats(value: str) -> tuple[str, ...]:
    words = (word for word in re.split(r"[\s,]+", value) if _FORMAT.fullmatch(word))
    return tuple(dict.fromkeys(word for word in words if word not in _NO_FORMATS))
