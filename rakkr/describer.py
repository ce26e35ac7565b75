"""What this node says of itself, put together from its settings and what was found."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import psutil

from rakkr.heartbeat import Description
from rakkr.inventory.document import (
    Identity,
    heartbeat_body,
    interfaces_for_controller,
    inventory_document,
)
from rakkr.inventory.host import HostFacts, Machine
from rakkr.inventory.interface import Inventory
from rakkr.inventory.probe import InventoryProbe
from rakkr.settings import Settings
from rakkr.version import VERSION

if TYPE_CHECKING:
    from rakkr.tap import World


def make_probe(settings: Settings, world: World) -> InventoryProbe:
    """Build what looks for audio inputs and facts of this machine."""
    return InventoryProbe(
        spawner=world.reactor,
        clock=world.reactor,
        threads=world.reactor,
        pool=world.pool,
        environ=world.environ,
        machine=Machine(
            uname=os.uname,
            addresses=psutil.net_if_addrs,
            pointer_bits=8 * struct.calcsize("P"),
            search_path=world.search_path,
            root=Path("/"),
        ),
        arecord_command=settings.inventory_arecord_command,
        pcm_list=settings.inventory_proc_asound_pcm_path,
        sound=Path("/sys/class/sound"),
    )


@attrs.define
class Describer:
    """
    Says what this node is, for the heartbeat and for the printed inventory.

    :ivar known: what the last probe found that could be carried out.
    """

    settings: Settings
    world: World
    probe: InventoryProbe
    known: Inventory = attrs.field(factory=lambda: Inventory((), probe_ok=False))

    async def __call__(self) -> Description:
        """Probe, and describe; inputs are not forgotten because a probe failed."""
        found = await self.probe.probe()
        if found.probe_ok:
            self.known = found
        return self._described(await self.probe.host(), self.known)

    def unprobed(self) -> Description:
        """What can be said before any probe: a beat does not wait for one."""
        names = os.uname()
        host = HostFacts(hostname=names.nodename, addresses=(), architecture=names.machine)
        return self._described(host, Inventory((), probe_ok=False))

    async def document(self) -> dict[str, Any]:
        """The document of ``--print-inventory``."""
        inventory = await self.probe.probe()
        return self._document(await self.probe.host(), inventory)

    def _document(self, host: HostFacts, inventory: Inventory) -> dict[str, Any]:
        settings = self.settings
        identity = Identity(
            node_id=settings.node_id,
            alias=settings.alias,
            site=settings.site,
            room=settings.room,
        )
        stamp = self.world.wall.stamp()
        return inventory_document(identity, host, inventory, version=VERSION, stamp=stamp)

    def _described(self, host: HostFacts, inventory: Inventory) -> Description:
        document = self._document(host, inventory)
        known = inventory.probe_ok and inventory.interfaces
        return Description(
            heartbeat=lambda status: heartbeat_body(
                host, inventory.interfaces, status=status, version=VERSION
            ),
            summary={
                "alias": document["alias"],
                "audioBackends": document["runtime"]["audioBackends"],
                "hostname": document["hostname"],
                "interfaceCount": len(document["interfaces"]),
                "lastSeenAt": document["lastSeenAt"],
                "nodeId": document["id"],
                "status": document["status"],
            },
            interfaces=interfaces_for_controller(inventory) if known else None,
        )
