"""
The built-in controller in a process of its own, with a hand on it: ``controller DIRECTORY PORT``.

It writes its port into the file ``port`` of its directory, and does what is appended to the file
``orders`` while it runs: ``busy SECONDS`` lets it answer the agent with 503, and ``expire
RECORDING`` uses the lease of a recording's job up.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
from twisted.internet.task import LoopingCall

from rakkr.durable import write_atomically
from rakkr.rig import NODE
from rakkr.solo.exchange import Answer
from rakkr.solo.resource import SoloResource
from rakkr.solo.service import SoloService
from tests.integration.solo_bench import controller, reactor

_BUSY = Answer(503, b'{"error":"away","reason":"database_unavailable"}')
_LOOK_SECONDS = 0.05
_render = SoloResource.render


class Hand:
    """Takes orders; those that were given to an earlier process are not its own."""

    def __init__(self, service: SoloService, orders: Path) -> None:
        self._service = service
        self._orders = orders
        self._orders.touch()
        self._read = self._orders.stat().st_size
        self._busy_until = 0.0

    def look(self) -> None:
        """Do what is new."""
        with self._orders.open("rb") as file:
            file.seek(self._read)
            for line in file.read().decode().splitlines(keepends=True):
                self._read += len(line)
                word, _, argument = line.strip().partition(" ")
                if word == "busy":
                    self._busy_until = reactor.seconds() + float(argument)
                elif word == "expire":
                    self.expire(argument)

    def expire(self, recording_id: str) -> None:
        """Let the lease of a running job be over now, as if nothing had been heard for long."""
        solo = self._service.controller
        assert solo is not None
        with solo.store.transaction():
            for job in solo.store.jobs_of(recording_id):
                if job.status == "running":
                    solo.store.put_job(attrs.evolve(job, lease_expires_at=0.0))
        solo.jobs.expire()

    def render(self, resource: SoloResource, request: Any) -> Any:
        """Answer as a controller does whose database is away, for as long as that was ordered."""
        if reactor.seconds() < self._busy_until and not request.path.startswith(b"/api/v1/solo"):
            return resource._reply(request, _BUSY)
        return _render(resource, request)


def main(directory: Path, port: int) -> None:
    """Serve until a signal comes."""
    directory.mkdir(parents=True, exist_ok=True)
    service = controller(directory, port=port, node_id=NODE)
    hand = Hand(service, directory / "orders")

    def render(resource: SoloResource, request: Any) -> Any:
        return hand.render(resource, request)

    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    looking = LoopingCall(hand.look)
    looking.start(_LOOK_SECONDS)
    with mock.patch.object(SoloResource, "render", render):
        write_atomically(directory / "port", str(service.port).encode())
        reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
