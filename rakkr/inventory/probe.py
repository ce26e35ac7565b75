"""
Looks for ALSA's inputs, with a time limit and without waiting for any device.

``arecord -l`` is asked first; when it cannot be started, or names no device, the kernel's own list
is read.  An ``arecord`` that fails is no answer: that list has other references for the same
inputs, so to take it now and then would make them go and come again.  What devices can do is asked
beside, see :mod:`rakkr.inventory.asking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import attrs
from twisted.internet.interfaces import IReactorFromThreads, IReactorProcess, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from rakkr.inventory.alsa import (
    CaptureDevice,
    DeviceFacts,
    interfaces,
    parse_arecord_list,
    parse_proc_pcm,
)
from rakkr.inventory.asking import HardwareAsking
from rakkr.inventory.card_files import CardFiles, read_text
from rakkr.inventory.host import HostFacts, Machine
from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.parameters import NOTHING
from rakkr.inventory.remembered import key_of
from rakkr.process import Ladder, Ran, run
from rakkr.wording import summary

_MOST_SAID: Final = 200
_T = TypeVar("_T")


@attrs.define(kw_only=True)
class InventoryProbe:
    """
    Asks the system for its inputs and facts, as often as it is told to.

    :ivar environ: of the children; their locale is forced to C, since their answers are parsed.
    :ivar arecord_command: the program that lists capture devices.
    :ivar pcm_list: the kernel's list of devices; what it tells of each card lies beside it.
    :ivar sound: normally ``/sys/class/sound``.
    :ivar limit: seconds that the program has to answer.
    :ivar asking: asks devices what they can do; None where none may be opened.
    :ivar known: what the last probe found that could be carried out.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    threads: IReactorFromThreads
    pool: ThreadPool
    environ: Mapping[str, str]
    machine: Machine
    arecord_command: str
    pcm_list: Path
    sound: Path
    limit: float = 10.0
    asking: HardwareAsking | None = None
    known: Inventory = attrs.field(factory=lambda: Inventory((), probe_ok=False))

    async def probe(self) -> Inventory:
        """The inputs that there are now; it does not fail, see :class:`Inventory`."""
        try:
            found = await self._look()
        finally:
            if self.asking is not None:  # whoever waits for it must not wait for ever
                self.asking.begin(())
        if found.probe_ok:
            self.known = found
        return found

    async def _look(self) -> Inventory:
        ran = await run(
            self.spawner,
            self.clock,
            [self.arecord_command, "-l"],
            env={**self.environ, "LC_ALL": "C"},
            ladder=Ladder(grace=2.0, give_up=2.0, limit=self.limit),
        )
        complaint = None if ran.exit.ok and not ran.overran else self._complaint(ran)
        if complaint is not None and ran.exit.refused is None:
            return Inventory((), probe_ok=False, reason=complaint)
        listed = parse_arecord_list(ran.stdout.decode("utf-8", "replace"))
        if listed:
            return Inventory(await self._described(listed), probe_ok=True)
        text = await self._in_thread(lambda: read_text(self.pcm_list))
        if text is None and complaint is not None and await self._in_thread(self._may_have_cards):
            reason = f"{complaint}; {self.pcm_list} cannot be read"
            return Inventory((), probe_ok=False, reason=reason)
        found = await self._described(parse_proc_pcm(text or ""))
        stead = f"{complaint}; the list of {self.pcm_list} stands for it"
        remarks = (stead,) if complaint is not None and found else ()
        return Inventory(found, probe_ok=True, reason=complaint, remarks=remarks)

    async def host(self) -> HostFacts:
        """The facts of the machine, read now."""
        return await self._in_thread(self.machine.read)

    def _may_have_cards(self) -> bool:
        """Whether the kernel knows of sound at all: without that there is no card."""
        return self.pcm_list.parent.exists() or self.sound.exists()

    async def _described(self, devices: tuple[CaptureDevice, ...]) -> tuple[AudioInterface, ...]:
        files = CardFiles(self.pcm_list.parent, self.sound)
        facts = await self._in_thread(lambda: {device: files.facts(device) for device in devices})
        return interfaces(devices, await self._with_answers(facts))

    async def _with_answers(
        self, facts: Mapping[CaptureDevice, DeviceFacts]
    ) -> Mapping[CaptureDevice, DeviceFacts]:
        """Add what devices have said, and have those asked that have said nothing yet."""
        if self.asking is None:
            return facts
        known = await self.asking.known()
        self.asking.begin(facts.items())
        return {
            device: attrs.evolve(
                each, can=each.can.or_else(known.get(key_of(device, each), NOTHING))
            )
            for device, each in facts.items()
        }

    def _complaint(self, ran: Ran) -> str:
        said = summary(ran.stderr.decode("utf-8", "replace"))[-_MOST_SAID:]
        how = f"did not answer within {self.limit:g} s" if ran.overran else f"failed: {ran.exit}"
        return f"{self.arecord_command} -l {how}{f' ({said})' if said else ''}"

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        result: _T = await deferToThreadPool(self.threads, self.pool, work)
        return result
