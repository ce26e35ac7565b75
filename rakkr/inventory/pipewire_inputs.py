"""
The sources of a PipeWire server as inputs of the node.

The system name is the node's own name, because a controller hands it back as the device of a job.
A sink is no input: what is played on a machine is recorded by its name when somebody asks for it.
Nor are the streams of programs, those of our own captures among them.
"""

from __future__ import annotations

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.naming import printable, sayable, token
from rakkr.inventory.pipewire import SINK, Device, Graph, Node
from rakkr.inventory.rates import MOST_CHANNELS

_DEFAULT_RATES = (48_000,)
_SHOWN = 80
_NAMES_OF_NONE = frozenset({"default", "auto"})
"""What these mean changes, so no source can be named by them."""


def pipewire_inputs(graph: Graph) -> tuple[tuple[AudioInterface, ...], tuple[str, ...]]:
    """
    List the sources that can be recorded, by name, and a remark for each that cannot be named.

    A source without a channel is left out: its ports are on their way, or never come.
    """
    devices = {device.id: device for device in graph.devices}
    found: dict[str, AudioInterface] = {}
    remarks = []
    sources = (node for node in graph.nodes if node.recordable and node.media_class != SINK)
    for node in sorted(sources, key=lambda node: (node.name, node.id)):
        channels = max(len(graph.outputs(node)), node.channel_count or 0)
        if channels == 0:
            continue
        if not sayable(node.name) or node.name in _NAMES_OF_NONE:
            remarks.append(
                f"PipeWire has a source with the name '{printable(node.name)[:_SHOWN]}', by which"
                " it cannot be recorded: give it another one"
            )
        elif node.name not in found:  # two of one name: nobody can say which is recorded
            found[node.name] = _interface(
                node, channels, None if node.device is None else devices.get(node.device)
            )
    return tuple(found.values()), tuple(remarks)


def _interface(node: Node, channels: int, device: Device | None) -> AudioInterface:
    return AudioInterface(
        id=f"pipewire_{token(node.name)}",
        backend="pipewire",
        system_name=node.name,
        system_ref=f"pipewire:{node.name}",
        alias=_said(node.description),
        channel_count=min(channels, MOST_CHANNELS),
        sample_rates=node.rates or _DEFAULT_RATES,
        formats=node.formats,
        serial_number=None if device is None else _said(device.serial_number),
        hardware_path=None if device is None else _said(device.path),
    )


def _said(text: str | None) -> str | None:
    return printable(text or "") or None
