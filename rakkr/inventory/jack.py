"""
The ports of a JACK server and what they are joined to, as ``jack_lsp`` prints them.

``jack_lsp -c -p -t`` prints each port on a line of its own, and below it its connections, its
properties and its type, behind blanks or a tab::

    system:capture_1
       system:playback_1
        properties: output,physical,terminal,
        32 bit float mono audio

A port's name is ``client:port``, and either part may hold blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

import attrs

AUDIO: Final = "32 bit float mono audio"
_PROPERTIES: Final = re.compile(r"^\s+properties: (.*)$")
_NUMBER: Final = re.compile(r"(\d+)")


@attrs.frozen(kw_only=True)
class JackPort:
    """
    One port.

    :ivar name: ``client:port``.
    :ivar output: whether sound comes out of it, so that it can be recorded.
    :ivar physical: whether it belongs to the sound card.
    :ivar joined: the names of the ports that it is connected to.
    """

    name: str
    output: bool = False
    physical: bool = False
    audio: bool = True
    joined: tuple[str, ...] = ()

    @property
    def client(self) -> str:
        """The program that it belongs to."""
        return self.name.partition(":")[0]


@attrs.frozen(kw_only=True)
class Patchbay:
    """
    What a server shows.

    :ivar rate: frames in a second, None when that was not asked.
    """

    ports: tuple[JackPort, ...] = ()
    rate: int | None = None

    @property
    def sources(self) -> tuple[JackPort, ...]:
        """The ports that can be recorded."""
        return tuple(port for port in self.ports if port.output and port.audio)

    def find(self, name: str) -> JackPort | None:
        """Find a port by its full name."""
        return next((port for port in self.ports if port.name == name), None)

    def matching(self, wished: str) -> tuple[str, ...]:
        """
        Find the ports to record, in the order of their numbers.

        :param wished: a port's name, a client's name, or a pattern with ``*`` and ``?``.
        """
        names = [port.name for port in self.sources]
        if wished in names:
            return (wished,)
        pattern = wished.replace("[", "[[]")  # names have brackets, patterns have none
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            found = [port.name for port in self.sources if port.client == wished]
        return tuple(sorted(found, key=by_number))

    @property
    def inputs_of_the_card(self) -> tuple[str, ...]:
        """The ports of the sound card, which are recorded when nobody names any."""
        names = [port.name for port in self.sources if port.physical]
        return tuple(sorted(names, key=by_number))


def read_ports(text: str, rate: int | None = None) -> Patchbay:
    """Read what ``jack_lsp -c -p -t`` printed; lines that are not understood are passed over."""
    return Patchbay(ports=tuple(_port(block) for block in _blocks(text)), rate=rate)


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and ":" in line:
            if block:
                yield block
            block = [line]
        elif block and line.strip():
            block.append(line)
    if block:
        yield block


def _port(block: list[str]) -> JackPort:
    name, *rest = block
    properties: set[str] = set()
    audio, joined = True, []
    for line in rest:
        told = _PROPERTIES.match(line)
        if told is not None:
            properties |= set(filter(None, told[1].split(",")))
        elif line[0] == "\t":
            audio = line.strip() == AUDIO
        else:
            joined.append(line.removeprefix("   "))
    return JackPort(
        name=name,
        output="output" in properties,
        physical="physical" in properties,
        audio=audio,
        joined=tuple(joined),
    )


def by_number(name: str) -> list[tuple[int, str]]:
    """Sort ``out_2`` before ``out_10``."""
    parts = _NUMBER.split(name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
