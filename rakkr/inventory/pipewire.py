"""
The nodes of a PipeWire server and the links between them, as ``pw-dump`` prints them.

A node is a source, a sink, a stream of some program or a driver; each channel of it is a port, and
a link joins an output port to an input port.  A server says more than is read here, and every
version says something else, so whatever has another shape than expected is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from rakkr.inventory.pipewire_shape import rates_of, shape_of

SOURCE: Final = "Audio/Source"
DUPLEX: Final = "Audio/Duplex"
SINK: Final = "Audio/Sink"
_RECORDABLE: Final = (SOURCE, f"{SOURCE}/Virtual", DUPLEX, SINK)
_PREFIX: Final = "PipeWire:Interface:"
_MOST_DIGITS: Final = 20


class NotADump(ValueError):
    """Text that ``pw-dump`` would not print; the message says what is wrong with it."""


@attrs.frozen(kw_only=True)
class Node:
    """
    Something that has ports.

    :ivar id: its number in this dump; another node gets it when this one is gone.
    :ivar serial: its number for as long as the server runs.
    :ivar media_class: for example ``Audio/Source``.
    :ivar description: a name for people.
    :ivar channel_count: how many channels it says it has, None when it does not.
    :ivar rates: in Hz, as far as it tells them.
    :ivar formats: by ALSA's names, as far as it tells them.
    :ivar device: the number of the device that it belongs to, in this dump.
    """

    id: int
    name: str
    serial: str | None = None
    media_class: str | None = None
    description: str | None = None
    channel_count: int | None = None
    rates: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()
    device: int | None = None

    @property
    def recordable(self) -> bool:
        """Whether it is a device that gives sound."""
        return self.media_class in _RECORDABLE


@attrs.frozen(kw_only=True)
class Device:
    """
    What nodes belong to: a card, most often.

    :ivar serial_number: as its maker gave it, with names in front of it in most versions.
    :ivar path: where it is plugged in.
    """

    id: int
    serial_number: str | None = None
    path: str | None = None


@attrs.frozen(kw_only=True)
class Port:
    """
    One channel of a node.

    :ivar number: which of the node's ports of its direction it is.
    :ivar channel: its position, such as ``FL`` or ``AUX3``.
    """

    id: int
    node: int
    number: int
    output: bool
    channel: str | None = None


@attrs.frozen(kw_only=True)
class Link:
    """A connection, by the ids of the nodes and of the ports."""

    output_node: int
    output_port: int
    input_node: int
    input_port: int


@attrs.frozen(kw_only=True)
class Graph:
    """
    What a server shows.

    :ivar default_source: the name of the node that is recorded when nobody names one.
    """

    nodes: tuple[Node, ...] = ()
    ports: tuple[Port, ...] = ()
    links: tuple[Link, ...] = ()
    devices: tuple[Device, ...] = ()
    default_source: str | None = None

    def find(self, wished: str) -> Node | None:
        """Find a device by its name, or by its serial number."""
        known = [node for node in self.nodes if node.recordable]
        named = next((node for node in known if node.name == wished), None)
        return named or next((node for node in known if node.serial == wished), None)

    def stream(self, name: str) -> Node | None:
        """Find a program's stream by its node's name."""
        return next((node for node in self.nodes if node.name == name), None)

    def outputs(self, node: Node) -> tuple[Port, ...]:
        """The channels that a device gives, in order; of a sink those of its monitor."""
        found = [port for port in self.ports if port.node == node.id and port.output]
        return tuple(sorted(found, key=lambda port: port.number))

    def inputs(self, node: Node) -> tuple[Port, ...]:
        """The channels that a stream takes, in order."""
        found = [port for port in self.ports if port.node == node.id and not port.output]
        return tuple(sorted(found, key=lambda port: port.number))

    def sources(self) -> tuple[str, ...]:
        """The names of all devices that give sound."""
        return tuple(node.name for node in self.nodes if node.recordable)


def read_dump(text: str) -> Graph:
    """
    Read what ``pw-dump`` printed.

    :raises NotADump: when it is no list of objects at all.
    """
    try:
        objects = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotADump(f"pw-dump printed no JSON: {error}") from None
    if not isinstance(objects, list):
        raise NotADump("pw-dump printed no list")
    found = [each for each in objects if isinstance(each, dict)]
    return Graph(
        nodes=tuple(filter(None, map(_node, _of_type(found, "Node")))),
        ports=tuple(filter(None, map(_port, _of_type(found, "Port")))),
        links=tuple(filter(None, map(_link, _of_type(found, "Link")))),
        devices=tuple(filter(None, map(_device, _of_type(found, "Device")))),
        default_source=_default_source(_of_type(found, "Metadata")),
    )


def _of_type(objects: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [each for each in objects if each.get("type") == _PREFIX + kind]


def _members(holder: object, name: str) -> Mapping[str, Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _number(value: object) -> int | None:
    """Numbers come as numbers, or as texts in some versions."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= _MOST_DIGITS else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _first_text(properties: Mapping[str, Any], *names: str) -> str | None:
    return next(filter(None, (_text(properties.get(name)) for name in names)), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _node(members: Mapping[str, Any]) -> Node | None:
    info = _members(members, "info")
    properties = _members(info, "props")
    number, name = _number(members.get("id")), _text(properties.get("node.name"))
    if number is None or name is None:
        return None
    serial = _number(properties.get("object.serial"))
    told = shape_of(_members(info, "params").get("EnumFormat"))
    return Node(
        id=number,
        name=name,
        serial=None if serial is None else str(serial),
        media_class=_text(properties.get("media.class")),
        description=_first_text(properties, "node.description", "node.nick"),
        channel_count=told.channel_count or _number(properties.get("audio.channels")),
        rates=told.rates or rates_of(_number(properties.get("audio.rate"))),
        formats=told.formats,
        device=_number(properties.get("device.id")),
    )


def _device(members: Mapping[str, Any]) -> Device | None:
    properties = _members(_members(members, "info"), "props")
    number = _number(members.get("id"))
    if number is None:
        return None
    return Device(
        id=number,
        serial_number=_first_text(properties, "device.serial"),
        path=_first_text(
            properties, "sysfs.path", "device.sysfs.path", "device.bus-path", "object.path"
        ),
    )


def _port(members: Mapping[str, Any]) -> Port | None:
    info = _members(members, "info")
    properties = _members(info, "props")
    number, node = _number(members.get("id")), _number(properties.get("node.id"))
    if number is None or node is None or info.get("direction") not in ("input", "output"):
        return None
    return Port(
        id=number,
        node=node,
        number=_number(properties.get("port.id")) or 0,
        output=info["direction"] == "output",
        channel=_text(properties.get("audio.channel")),
    )


def _link(members: Mapping[str, Any]) -> Link | None:
    info = _members(members, "info")
    ends = [
        _number(info.get(name))
        for name in ("output-node-id", "output-port-id", "input-node-id", "input-port-id")
    ]
    known = [each for each in ends if each is not None]
    if len(known) != len(ends):
        return None
    return Link(
        output_node=known[0], output_port=known[1], input_node=known[2], input_port=known[3]
    )


def _default_source(tables: Iterable[Mapping[str, Any]]) -> str | None:
    for table in tables:
        rows = table.get("metadata")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("key") == "default.audio.source":
                return _text(_members(row, "value").get("name"))
    return None
