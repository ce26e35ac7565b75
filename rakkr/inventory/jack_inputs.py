"""
The clients of a JACK server that give sound, as inputs of the node.

A client's name stands for all of its ports, in the order of their numbers, so it is the system
name, which a controller hands back as the device of a job.  Our own captures only take sound, and
are no inputs.
"""

from __future__ import annotations

from typing import Final

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.jack import JackPort, Patchbay, by_number
from rakkr.inventory.naming import clipped, printable, sayable, token
from rakkr.inventory.rates import MOST_CHANNELS

_DEFAULT_RATES: Final = (48_000,)
_NAMES_OF_NONE: Final = frozenset({"default", "auto"})
_PATTERN: Final = frozenset("*?,")
_LONGEST_ALIAS: Final = 160
_SHOWN: Final = 80


def jack_inputs(patchbay: Patchbay) -> tuple[tuple[AudioInterface, ...], tuple[str, ...]]:
    """
    List the clients that can be recorded, sound cards first, and a remark for each that cannot be.

    A name with ``*``, ``?`` or a comma in it would be taken for a pattern, or for a list.
    """
    clients: dict[str, list[JackPort]] = {}
    for port in patchbay.sources:
        clients.setdefault(port.client, []).append(port)
    found, remarks = [], []
    for client in sorted(clients, key=lambda name: (not clients[name][0].physical, name)):
        if not sayable(client) or client in _NAMES_OF_NONE or _PATTERN & set(client):
            remarks.append(
                f"JACK has a client with the name '{printable(client)[:_SHOWN]}', by which it"
                " cannot be recorded: name its ports, or give it another name"
            )
        else:
            ports = sorted(clients[client], key=lambda port: by_number(port.name))
            found.append(_interface(client, ports, patchbay.rate))
    return tuple(found), tuple(remarks)


def _interface(client: str, ports: list[JackPort], rate: int | None) -> AudioInterface:
    names = [clipped(printable(port.name.partition(":")[2]), _LONGEST_ALIAS) for port in ports]
    return AudioInterface(
        id=f"jack_{token(client)}",
        backend="jack",
        system_name=client,
        system_ref=f"jack:{client}",
        channel_count=min(len(ports), MOST_CHANNELS),
        channel_names=tuple(names[:MOST_CHANNELS]) if all(names) else (),
        sample_rates=_DEFAULT_RATES if rate is None else (rate,),
        formats=("FLOAT_LE",),
    )
