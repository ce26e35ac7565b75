"""
Devices that are opened once in their life, to learn what they can do.

Where the kernel's files do not tell, the hardware has to be asked, and that opens the device and
may record from it for a moment.  So it is done once for each device, only while nobody has it open
and no job needs any, one after another, and never while somebody waits for the list of devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.durable import write_atomically
from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.card_files import CardFiles, read_text
from rakkr.inventory.parameters import NOTHING, Parameters, dump_is_whole, parse_dump
from rakkr.inventory.remembered import as_text, from_text, key_of
from rakkr.process import Child, Ladder, spawn
from rakkr.threads import InThread
from rakkr.wording import summary

LIMIT_SECONDS: Final = 4.0
FIRST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 3600.0
_MOST_BYTES: Final = 1 << 16
_LADDER: Final = Ladder(grace=1.0, give_up=1.0, limit=LIMIT_SECONDS)


@attrs.define
class _Failed:
    """When a device may be asked again, and how often it was asked in vain."""

    times: int
    again: float


@attrs.define(kw_only=True)
class HardwareAsking:
    """
    Asks devices, and remembers the answers in a file.

    :ivar env: the whole environment of the program; its locale is forced to C.
    :ivar command: ``arecord``, or what stands for it.
    :ivar path: where the answers are kept.
    :ivar busy: whether a job captures, or soon will: then no device is opened.  Until somebody
        says otherwise, it is so.
    :ivar holders: each lets go of the devices that it only listens to, and fires when it has; asked
        once for each device.
    :ivar keeping: whether answers are written down.
    :ivar active: whether a device is being asked, or it is not known yet whether one has to be.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    in_thread: InThread
    env: Mapping[str, str]
    command: str
    files: CardFiles
    path: Path
    busy: Callable[[], bool] = lambda: True
    holders: list[Callable[[], Deferred[None]]] = attrs.field(factory=list)
    keeping: bool = True
    active: bool = True
    _known: dict[str, Parameters] | None = None
    _failed: dict[str, _Failed] = attrs.field(factory=dict)
    _running: Deferred[None] | None = None
    _child: Child | None = None
    _waiting: list[Deferred[None]] = attrs.field(factory=list)

    log = Logger()

    async def known(self) -> Mapping[str, Parameters]:
        """What devices have said, those of earlier runs among them; does not fail."""
        if self._known is None:
            try:
                text = await self.in_thread(read_text, self.path)
                found = {} if text is None else from_text(text)
            except ValueError as error:
                self._remark("cannot be understood", error, "devices are asked again")
                found = {}
            self._known = found if self._known is None else self._known
        return self._known

    def begin(self, devices: Iterable[tuple[CaptureDevice, DeviceFacts]]) -> None:
        """Ask those of which something is unknown, in the background."""
        if self._running is not None:
            return
        self.active = True
        self._running = running = Deferred.fromCoroutine(self._ask_all(list(devices)))
        running.addErrback(self._broke)
        running.addBoth(lambda _: self._over())

    def let_go(self) -> Deferred[None]:
        """Let go of the device that is being asked, for somebody who needs it; fires when free."""
        if self._running is not None:
            self._running.cancel()
        child = self._child
        return succeed(None) if child is None else child.when_ended().addCallback(lambda _: None)

    def when_over(self) -> Deferred[None]:
        """A Deferred of one's own that fires when nobody is being asked."""
        waiter: Deferred[None] = Deferred()
        if self._running is None:
            waiter.callback(None)
        else:
            self._waiting.append(waiter)
        return waiter

    def _over(self) -> None:
        self._running = None
        self.active = False
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)

    async def _ask_all(self, devices: list[tuple[CaptureDevice, DeviceFacts]]) -> None:
        known = dict(await self.known())
        for device, facts in devices:
            key = key_of(device, facts)
            if facts.can.complete or key in known or self.busy() or not self._due(key):
                continue
            told = await self._ask(key, device)
            if told == NOTHING:
                self._put_off(key)
                continue
            self._failed.pop(key, None)
            known[key] = told
            self._known = known
            await self._keep(known)

    def _due(self, key: str) -> bool:
        failed = self._failed.get(key)
        return failed is None or self.clock.seconds() >= failed.again

    def _put_off(self, key: str) -> None:
        times = self._failed[key].times + 1 if key in self._failed else 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(times - 1, 10), LONGEST_PAUSE_SECONDS)
        self._failed[key] = _Failed(times, self.clock.seconds() + pause)

    async def _ask(self, key: str, device: CaptureDevice) -> Parameters:
        """Ask one device; nothing is known when it is in use, or does not say."""
        if not await self.in_thread(self.files.idle, device) and key not in self._failed:
            for let_go in self.holders:
                await maybeDeferred(let_go)
        if not await self.in_thread(self.files.idle, device) or self.busy():
            return NOTHING
        said = await self._run(device)
        told = parse_dump(said)
        if key_of(device, await self.in_thread(self.files.facts, device)) != key:
            return NOTHING  # another card has got its number meanwhile
        if told == NOTHING and key not in self._failed:
            self.log.info(
                "{device} ({name}) does not say what it can do, and is asked again later: {said}",
                device=device.hardware_ref,
                name=device.name,
                said=summary(said),
            )
        return told

    async def _run(self, device: CaptureDevice) -> str:
        """Run the program until it has printed what the device can do."""
        said = bytearray()

        def hear(_descriptor: int, data: bytes) -> None:
            said.extend(data[: _MOST_BYTES - len(said)])
            if self._child is not None and dump_is_whole(said.decode("utf-8", "replace")):
                self._child.stop()

        argv = (
            *(self.command, "-D", device.hardware_ref, "--dump-hw-params"),
            *("-f", "S16_LE", "-r", "48000", "-c", "2", "-d", "1", "/dev/null"),
        )
        env = {**self.env, "LC_ALL": "C"}
        child = spawn(self.spawner, self.clock, argv, env=env, ladder=_LADDER, output=hear)
        self._child = child
        try:
            how = await child.when_ended()
        finally:
            if child.exit is None:
                child.stop("KILL")
        self._child = None
        return said.decode("utf-8", "replace") or how.refused or ""

    async def _keep(self, known: Mapping[str, Parameters]) -> None:
        if not self.keeping:
            return
        try:
            await self.in_thread(write_atomically, self.path, as_text(known).encode())
        except OSError as error:
            self._remark("cannot be written", error, "after a restart devices are asked again")

    def _remark(self, what: str, error: Exception, then: str) -> None:
        self.log.warn(
            "{path} {what} ({error}); {then}",
            path=str(self.path),
            what=what,
            error=str(error),
            then=then,
        )

    def _broke(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("no device could be asked what it can do", failure)
