"""What others may know of what is being captured."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred

from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import FindRoute
from rakkr.jobs.service import JobWorkerService
from rakkr.metering import recorded
from tests.jobs.test_service import ServiceCase, group


class TakesTests(ServiceCase):
    def begin_with(self, find_route: FindRoute) -> None:
        """Start a service that finds ways like this."""
        place = attrs.evolve(self.shop.place, find_route=find_route)
        self.service = JobWorkerService(place, claim_seconds=1.0, shutdown_seconds=30.0)
        self.service.startService()

    def names(self) -> list[tuple[str | None, bool]]:
        """The interface of each capture that gives samples, and whether it runs."""
        found = recorded(self.service.takes)
        return [(each.interface_id, each.capture.outcome is None) for each in found]

    def test_from_the_claim_to_the_end(self) -> None:
        """A take is there before its device is opened, and until no sample follows."""
        opening: Deferred[CaptureRequest] = Deferred()
        asked: list[CaptureRequest] = []

        def find_route(request: CaptureRequest) -> Deferred[CaptureRequest]:
            asked.append(request)
            return opening

        self.begin_with(find_route)
        self.assertEqual(self.service.takes, [])
        self.queue = [group(1)]
        self.shop.reactor.advance(1)
        self.assertEqual((len(self.service.takes), self.names()), (1, []))
        opening.callback(asked[0])
        self.shop.record(1)
        self.assertEqual([runs for _, runs in self.names()], [True])
        self.shop.record(3)
        self.shop.reactor.last.exits(0)
        self.assertEqual((self.service.takes, self.names()), ([], []))
        self.stop()

    def test_between_two_segments(self) -> None:
        """A take whose device is away is there, with the capture that ended."""
        self.queue = [group(1)]
        self.service.startService()
        self.shop.record(1)
        self.shop.reactor.last.exits(1)
        self.assertEqual(len(self.service.takes), 1)
        self.assertEqual([runs for _, runs in self.names()], [False])
        self.shop.reactor.advance(1)
        self.assertEqual(self.names(), [], "the next one gives no sample yet")
        self.shop.play(10)
        self.stop()

    def test_oldest_first(self) -> None:
        """What began first comes first."""
        self.queue = [group(each, device=f"hw:{each}") for each in (1, 2)]
        self.shop.place.live.capacity = 2
        self.service.startService()
        self.assertEqual([take.plan.device for take in self.service.takes], ["hw:1", "hw:2"])
        stopped = self.service.stopService()
        for process in self.shop.reactor.spawned:
            process.exits(1)
        self.successResultOf(stopped)

    def test_ready(self) -> None:
        """Nobody opens a device before it is known what an earlier agent left."""
        self.assertFalse(self.service.ready)
        self.service.startService()
        self.assertTrue(self.service.ready)
        self.stop()
