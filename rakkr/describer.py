"""What this node says of itself, put together from its settings and what was found."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import psutil

from rakkr.heartbeat import Description
from rakkr.inventory.agents import another_agent
from rakkr.inventory.asking import HardwareAsking
from rakkr.inventory.card_files import CardFiles
from rakkr.inventory.document import (
    Identity,
    assumed_keys,
    heartbeat_body,
    interfaces_for_controller,
    inventory_document,
)
from rakkr.inventory.host import HostFacts, Machine
from rakkr.inventory.interface import Inventory
from rakkr.inventory.merging import UNKNOWN
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.survey import Survey
from rakkr.inventory.table import inventory_table
from rakkr.inventory_sync import Told
from rakkr.settings import Settings
from rakkr.version import VERSION
from rakkr.workshop import servers_of

if TYPE_CHECKING:
    from rakkr.tap import World


_PATIENCE_SECONDS: Final = 15.0
"""So long a person waits for a sound system that does not answer."""
_KEPT: Final = "hardware-parameters.json"


def make_probe(settings: Settings, world: World) -> InventoryProbe:
    """
    Build what looks for ALSA's inputs and facts of this machine.

    No device is opened until somebody says when that may be, by ``asking.busy``.
    """
    sound, pcm_list = Path("/sys/class/sound"), settings.inventory_proc_asound_pcm_path
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
            root=Path("/"),
        ),
        arecord_command=settings.inventory_arecord_command,
        pcm_list=pcm_list,
        sound=sound,
        asking=HardwareAsking(
            spawner=world.reactor,
            clock=world.reactor,
            in_thread=world.in_thread,
            env=world.environ,
            command=settings.inventory_arecord_command,
            files=CardFiles(pcm_list.parent, sound),
            path=settings.agent_state_file.absolute().with_name(_KEPT),
        ),
    )


def make_survey(world: World, probe: InventoryProbe) -> Survey:
    """Build what looks for the inputs of all sound systems."""
    return Survey(world.reactor, probe.probe, servers_of(world))


def _never() -> bool:
    return False


@attrs.frozen
class Describer:
    """Says what this node is, for the heartbeat and for the printed inventory."""

    settings: Settings
    world: World
    probe: InventoryProbe
    survey: Survey

    async def __call__(self) -> Description:
        """Look, and describe; inputs are not forgotten because a look failed."""
        inventory = await self.survey.look()
        return self._described(await self.probe.host(), inventory)

    def unprobed(self) -> Description:
        """What can be said before inputs are looked for, which no beat waits for; blocks."""
        return self._described(self.probe.machine.read(), UNKNOWN)

    async def document(self) -> dict[str, Any]:
        """The document of ``--print-inventory``."""
        inventory = await self._patiently()
        return self._document(await self.probe.host(), inventory)

    async def table(self) -> str:
        """The table of ``--print-inventory --table``."""
        return inventory_table(await self._patiently())

    async def _patiently(self) -> Inventory:
        """
        Look for a person, who waits for what takes long.

        Devices that have said nothing yet are asked, unless an agent runs that may need them.
        """
        asking = self.probe.asking
        if asking is None or await self.world.in_thread(another_agent):
            return await self.survey.look(_PATIENCE_SECONDS)
        asking.busy, asking.keeping = _never, False
        found = await self.survey.look(_PATIENCE_SECONDS)
        await asking.when_over()
        if not any(each.assumed for each in found.interfaces):
            return found
        return await self.survey.look(_PATIENCE_SECONDS)

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
        summary = {
            "alias": document["alias"],
            "audioBackends": document["runtime"]["audioBackends"],
            "hostname": document["hostname"],
            "interfaceCount": len(document["interfaces"]),
            "lastSeenAt": document["lastSeenAt"],
            "nodeId": document["id"],
            "status": document["status"],
        }
        return Description(
            heartbeat=lambda status: heartbeat_body(
                host, inventory, status=status, version=VERSION
            ),
            inputs=Told(
                summary=summary,
                interfaces=interfaces_for_controller(inventory) if inventory.probe_ok else None,
                assumed=assumed_keys(inventory),
            ),
        )
