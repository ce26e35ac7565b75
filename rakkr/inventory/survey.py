"""
All inputs of this node, whichever sound system has them.

ALSA, PipeWire and JACK are asked at the same time, each with a limit of its own.  One that takes
long holds nobody up: what it had last stands for it until it answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.inventory.interface import Inventory
from rakkr.inventory.jack_inputs import jack_inputs
from rakkr.inventory.merging import UNKNOWN, merged
from rakkr.inventory.pipewire import Graph
from rakkr.inventory.pipewire_inputs import pipewire_inputs
from rakkr.inventory.servers import SoundServers
from rakkr.inventory.view import NoAnswer, Server

PATIENCE_SECONDS: Final = 2.5
"""So long a look waits for those that take long."""
HOPE_SECONDS: Final = 30.0
"""A sound server that has never answered for so long is taken for one without any source."""

Ask = Callable[[], Awaitable[Inventory]]
"""Asks one sound system; ``probe_ok`` says whether the answer counts."""


@attrs.define
class ServerInputs:
    """
    Asks a sound server for the inputs that it has now.

    :ivar rate: what JACK ran at when it said so last.
    """

    servers: SoundServers
    server: Server
    rate: int | None = None

    async def __call__(self) -> Inventory:
        """Look; does not fail."""
        view = await self.servers(self.server)
        if isinstance(view, NoAnswer):
            why = None if view.means_none else view.why
            return Inventory((), probe_ok=view.means_none, reason=why)
        if isinstance(view, Graph):
            inputs, remarks = pipewire_inputs(view)
        else:
            self.rate = await self.servers.jack_rate() or self.rate
            inputs, remarks = jack_inputs(attrs.evolve(view, rate=self.rate))
        answering = frozenset({self.server})
        return Inventory(inputs, probe_ok=True, answering=answering, remarks=remarks)


@attrs.define
class _Part:
    """
    One sound system.

    :ivar known: what it had when it answered last.
    :ivar reason: why the last look at it failed, None when it did not.
    :ivar asking: the look that is under way.
    """

    name: str
    ask: Ask
    hopeful: bool
    known: Inventory = UNKNOWN
    reason: str | None = None
    asking: Deferred[None] | None = None


class Survey:
    """
    Looks at everything, and remembers what there was.

    :ivar known: what the last look found.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, alsa: Ask, servers: SoundServers) -> None:
        """:param alsa: asks ALSA; what it does not know is never taken for "none"."""
        self.known = UNKNOWN
        self._clock = clock
        self._began: float | None = None
        self._said: set[str] = set()
        self._parts = [
            _Part("ALSA", alsa, hopeful=False),
            _Part("PipeWire", ServerInputs(servers, "pipewire"), hopeful=True),
            _Part("JACK", ServerInputs(servers, "jack"), hopeful=True),
        ]

    @property
    def trouble(self) -> str | None:
        """Why some of the inputs could not be looked for the last time, None when all could."""
        failed = [part.reason for part in self._parts if part.reason is not None]
        return "; ".join(failed) or None

    async def look(self, patience: float = PATIENCE_SECONDS) -> Inventory:
        """
        Say what there is now, as far as it is answered in time; does not fail.

        :param patience: seconds to wait for those that take long.
        """
        if self._began is None:
            self._began = self._clock.seconds()
        for part in self._parts:
            if part.asking is None:
                self._begin(part)
        await self._wait(patience)
        self.known = found = merged([self._stands_for(part) for part in self._parts])
        for remark in set(found.remarks) - self._said:
            self.log.warn("{remark}", remark=remark)
        self._said = set(found.remarks)
        return found

    def stop(self) -> None:
        """End the looks that are under way."""
        for part in self._parts:
            if part.asking is not None:
                part.asking.cancel()

    def _begin(self, part: _Part) -> None:
        part.asking = asking = Deferred.fromCoroutine(self._ask(part))
        asking.addErrback(self._broke, part)
        asking.addBoth(lambda _: setattr(part, "asking", None))

    async def _ask(self, part: _Part) -> None:
        found = await part.ask()
        if found.probe_ok:
            part.known = found
        reason = None if found.probe_ok else found.reason
        if reason is not None and part.reason is None:
            self.log.warn("the inputs of {name} are not known: {why}", name=part.name, why=reason)
        elif reason is None and part.reason is not None:
            self.log.info("the inputs of {name} are known again", name=part.name)
        part.reason = reason

    async def _wait(self, patience: float) -> None:
        """Wait until all have answered, or the patience is over; nobody is given up for that."""
        over: Deferred[None] = Deferred()

        def answered(result: None) -> None:
            if not over.called and all(part.asking is None for part in self._parts):
                over.callback(None)
            return result

        for part in self._parts:
            if part.asking is not None:
                part.asking.addBoth(answered)
        if all(part.asking is None for part in self._parts):
            return
        timer = self._clock.callLater(patience, over.callback, None)
        try:
            await over
        finally:
            if timer.active():
                timer.cancel()

    def _stands_for(self, part: _Part) -> Inventory:
        assert self._began is not None
        hope_is_over = self._clock.seconds() - self._began >= HOPE_SECONDS
        if part.hopeful and not part.known.probe_ok and hope_is_over:
            return Inventory((), probe_ok=True, reason=part.reason)
        return attrs.evolve(part.known, reason=part.reason or part.known.reason)

    def _broke(self, failure: Failure, part: _Part) -> None:
        if failure.check(CancelledError) is None:
            part.reason = f"{part.name} could not be asked: {failure.getErrorMessage()}"
            self.log.failure("{name} could not be asked for inputs", failure, name=part.name)
