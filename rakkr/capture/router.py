"""Finding out how a request is captured, before anything is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.capture.abilities import Abilities
from rakkr.capture.findings import Findings
from rakkr.capture.pipewire import TooFewChannels
from rakkr.capture.probing import NoAbilities, Probing
from rakkr.capture.programs import candidates, route_of, server_of, stands_for_server
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import NotThere, Route
from rakkr.inventory.jack import Patchbay
from rakkr.inventory.servers import SoundServers
from rakkr.inventory.view import Server, View

_PORTS_SECONDS: Final = 1.0
"""The ports of a node that was plugged in a moment ago may still be on their way."""


class FindRoute(Protocol):
    """Finds out how a request is captured."""

    def __call__(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """
        Complete a request.

        Fails with ``CannotLaunch`` for what can never work, ``NotThere`` for what is not there now.
        """


@attrs.frozen
class Router:
    """
    Looks at programs and sound servers, and decides.

    :ivar client: makes a name that no other capture has, for the sound server.
    """

    probing: Probing
    servers: SoundServers
    clock: IReactorTime
    client: Callable[[], str]
    _said: set[str] = attrs.field(factory=set, init=False)

    log = Logger()

    def __call__(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Complete a request; see :class:`FindRoute`."""
        return Deferred.fromCoroutine(self._complete(request))

    async def _complete(self, request: CaptureRequest) -> CaptureRequest:
        server = server_of(request)
        if server is None:
            return request
        programs = await self._programs(request)
        try:
            route = await self._route(request, server, programs)
        except TooFewChannels:
            await deferLater(self.clock, _PORTS_SECONDS)
            route = await self._route(request, server, programs)
        if route.remark is not None and route.remark not in self._said:
            self._said.add(route.remark)
            self.log.warn("{remark}", remark=route.remark)
        return attrs.evolve(request, route=route)

    async def _programs(self, request: CaptureRequest) -> dict[str, Abilities]:
        """What the best of the programs can do that can be used."""
        try:
            for command in candidates(request):
                known = await self.probing.abilities(command)
                if known is not None and await self._has_plugin(command, request):
                    return {command: known}
        except NoAbilities as silent:
            raise NotThere(str(silent)) from silent
        return {}

    async def _has_plugin(self, command: str, request: CaptureRequest) -> bool:
        """Whether it needs no plugin, or has it and what it needs."""
        if not stands_for_server(command, request):
            return True
        if request.backend == "jack" and self.probing.find("jack_lsp") is None:
            return False  # the plugin has to be told the names of the ports
        return request.backend in await self.probing.pcms(command)

    async def _route(
        self, request: CaptureRequest, server: Server, programs: dict[str, Abilities]
    ) -> Route:
        view = await self._view(server)
        found = Findings(programs=programs, view=view, client=self.client())
        return route_of(request, found)

    async def _view(self, server: Server) -> View:
        view = await self.servers(server)
        if isinstance(view, Patchbay):
            return attrs.evolve(view, rate=await self.servers.jack_rate())
        return view
