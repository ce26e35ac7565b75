"""
Whether a capture is still joined to what it is to record.

A sound server takes a recorder's source away and goes on without a word: PipeWire joins it to
another microphone, JACK lets it record silence.  So what the server shows is compared with what was
asked for, from the first moment on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, assert_never

import attrs

from rakkr.inventory.jack import JackPort, Patchbay, by_number
from rakkr.inventory.pipewire import Graph
from rakkr.inventory.view import NoAnswer, Server, View


@attrs.frozen(kw_only=True)
class Tie:
    """
    What a capture has to be joined to.

    :ivar client: the name that the capture has at the server; with ``*`` where the program
        chooses the end of it.
    :ivar sources: the node of PipeWire, by its serial number where that is known, and then its
        name; or the ports of JACK in the order of the channels.
    """

    server: Server
    client: str
    sources: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Say it in plain values."""
        return {"server": self.server, "client": self.client, "sources": list(self.sources)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Tie:
        """
        Read what :meth:`as_json` said.

        :raises ValueError: when it makes no sense.
        :raises KeyError: when something is missing.
        """
        server, client, sources = plain["server"], plain["client"], plain["sources"]
        if server not in {"pipewire", "jack"} or not isinstance(client, str):
            raise ValueError(f"nothing is tied to {client!r} of {server!r}")
        if not isinstance(sources, list) or not all(isinstance(each, str) for each in sources):
            raise ValueError(f"{sources!r} are no names of sources")
        if not sources:
            raise ValueError(f"{client} is tied to nothing")
        return cls(server=server, client=client, sources=tuple(sources))


class Hold(Enum):
    """
    How a capture is joined.

    ``GOOD``: to its source, with every channel.  ``LOOSE``: to nothing, or not with every channel.
    ``GONE``: its source is not there.  ``ELSEWHERE``: to something else.  ``UNKNOWN``: nobody says.
    """

    GOOD = "good"
    LOOSE = "loose"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


@attrs.frozen
class Standing:
    """
    How a capture stands with its source.

    :ivar why: what is wrong, or only strange, for people.
    """

    hold: Hold
    why: str = ""


_GOOD: Final = Standing(Hold.GOOD)


def stand(tie: Tie, view: View) -> Standing:
    """Compare what a server shows with what was asked for."""
    match view:
        case NoAnswer():
            return Standing(Hold.UNKNOWN, view.why)
        case Graph():
            return _in_graph(tie, view)
        case Patchbay():
            return _at_patchbay(tie, view)
        case _:
            assert_never(view)


def _in_graph(tie: Tie, graph: Graph) -> Standing:
    wished = tie.sources[-1]
    source, stream = graph.find(tie.sources[0]), graph.stream(tie.client)
    links = [link for link in graph.links if stream is not None and link.input_node == stream.id]
    right = None if source is None else source.id
    other = next((link.output_node for link in links if link.output_node != right), None)
    if other is not None:
        name = next((node.name for node in graph.nodes if node.id == other), str(other))
        return Standing(Hold.ELSEWHERE, f"PipeWire gave the recording of {wished} to {name}")
    if source is None:
        return Standing(Hold.GONE, f"PipeWire lost its source {wished}")
    if stream is None:
        return Standing(Hold.LOOSE, f"PipeWire does not know the recording of {wished}")
    linked = {link.input_port: link.output_port for link in links}
    inputs = graph.inputs(stream)
    if not inputs or any(port.id not in linked for port in inputs):
        return Standing(Hold.LOOSE, f"PipeWire does not join the recording to {wished}")
    straight = [port.id for port in graph.outputs(source)][: len(inputs)]
    if [linked[port.id] for port in inputs] != straight:
        return Standing(Hold.GOOD, f"PipeWire joins the channels of {wished} in another order")
    return _GOOD


def _at_patchbay(tie: Tie, patchbay: Patchbay) -> Standing:
    gone = [name for name in tie.sources if patchbay.find(name) is None]
    if gone:
        return Standing(Hold.GONE, f"JACK lost the port {', '.join(gone)}")
    loose = [_loose(tie.sources, ports) for ports in _inputs(tie.client, patchbay)]
    if not loose:
        return Standing(Hold.LOOSE, f"JACK does not know the recording of {tie.sources[0]}")
    fewest = min(loose, key=len)
    if fewest:
        return Standing(Hold.LOOSE, f"JACK does not join {', '.join(fewest)} to its channel")
    return _GOOD


def _inputs(client: str, patchbay: Patchbay) -> list[list[JackPort]]:
    """The inputs of each client of this name, in the order of the channels."""
    found: dict[str, list[JackPort]] = {}
    for port in patchbay.ports:
        if fnmatchcase(port.client, client) and not port.output:
            found.setdefault(port.client, []).append(port)
    return [sorted(ports, key=lambda port: by_number(port.name)) for ports in found.values()]


def _loose(sources: tuple[str, ...], inputs: list[JackPort]) -> list[str]:
    """
    Name the sources that are not joined to the input of their channel.

    More may be joined to it: whoever patches that in wants it in the recording.
    """
    joined = [port.joined for port in inputs] + [()] * len(sources)
    return [name for name, names in zip(sources, joined, strict=False) if name not in names]
