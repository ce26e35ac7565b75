"""A meter service with everything that it works with, and programs that a test plays."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureRequest
from rakkr.clock import WallTime
from rakkr.inventory.view import NoAnswer, Server, View
from rakkr.meters.alarms import Alarms
from rakkr.meters.analysis import Analysis, MakeAnalysis
from rakkr.meters.failures import SamplingFailures
from rakkr.meters.follower import FollowCapture, Follower
from rakkr.meters.idle import IdleMeter, IdleWorld
from rakkr.meters.lag import Lag
from rakkr.meters.limits import Limits
from rakkr.meters.outlet import Outlet
from rakkr.meters.recorded import Recorded
from rakkr.meters.sending import ChunkSender, FrameSender
from rakkr.meters.service import MeterService
from rakkr.stamps import parse_stamp
from tests.capture.case import CaptureCase
from tests.capture.requests import request
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeProcess
from tests.fakes.threads import FakeThreads
from tests.meters.making import make, pcm

NODE = "node_1"
EPOCH = 1_700_000_000.0
"""Wall time when the clock is at 0."""
POST_SECONDS = 5.0
IDLE_DEVICE = "hw:9"


class ServiceCase(CaptureCase):
    """
    Levels are sent every five seconds, live audio in chunks of half a second.

    :ivar jobs: the captures of the jobs service.
    :ivar busy: whether it says that it records.
    :ivar name: the controller's id of what is listened to, once it has told it.
    :ivar making: makes each analysis.
    """

    def setUp(self) -> None:
        super().setUp()
        self.slow = FakeThreads()
        self.noted = Noted()
        self.controller = FakeController(post_meter_frame=[None], post_monitor_chunk=[None])
        self.jobs: list[Recorded] = []
        self.busy = False
        self.name: str | None = None
        self.wished = request(device=IDLE_DEVICE, seconds=86_400)
        self.making: MakeAnalysis = make
        self.post_seconds = POST_SECONDS
        self.running = False

    def build(self, *, idle: bool = True, synthetic: int | None = None) -> None:
        """Build the service, and start it."""
        wall = WallTime(lambda: EPOCH + self.reactor.seconds())
        outlet = Outlet(
            self.reactor,
            wall,
            self.noted,
            Alarms(NODE, Limits(set_seconds=0.0, clear_seconds=0.0)),
            SamplingFailures(NODE),
            Lag(NODE),
            FrameSender(self.controller, self.noted, NODE),
            ChunkSender(self.controller, self.noted, NODE),
        )
        world = IdleWorld(
            find_route=self.find_route,
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self.slow,
            look=self.look_at,
            env={"PATH": "/nowhere"},
            random=lambda: 0.0,
        )
        self.idle = IdleMeter(lambda: self.wished, self.make, world, outlet.failed)
        follow: FollowCapture = self.follow
        self.subject = MeterService(
            self.reactor,
            outlet,
            recorded=lambda: [each for each in self.jobs if each.capture.has_sample],
            busy=lambda: self.busy,
            follow=follow,
            idle=self.idle if idle else None,
            name_of=self.name_of,
            post_seconds=self.post_seconds,
            synthetic_channels=None if synthetic is None else lambda: synthetic,
        )
        self.subject.startService()
        self.running = True

    def tearDown(self) -> None:
        """Stop all, and see that nothing is left."""
        stopped = self.subject.stopService() if self.running else succeed(None)
        for job in self.jobs:
            job.capture.stop()
        for child in self.reactor.spawned:
            if not child.ended:
                child.ends(1)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    async def look_at(self, server: Server) -> View:
        """There is no sound server."""
        return NoAnswer("there is none", blind=True)

    def find_route(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Nothing here needs a special route."""
        return succeed(request)

    def make(self, *shape: Any) -> Analysis:
        """Make an analysis of the kind that is wanted at this moment."""
        return self.making(*shape)

    def follow(self, capture: Capture, *, from_start: bool) -> Follower:
        """Follow a capture."""
        return Follower(
            capture,
            self.make,
            self.slow,
            self.reactor,
            from_start=from_start,
        )

    def name_of(self, interface_id: str | None, wished: CaptureRequest) -> str:
        """Name what the job named, else the device."""
        return interface_id or self.name or wished.device

    # What the world does

    @property
    def listened(self) -> list[FakeProcess]:
        """The programs that were called for the idle device."""
        return [child for child in self.reactor.spawned if child.argv[2] == IDLE_DEVICE]

    def record(self, name: str) -> FakeProcess:
        """Let a job record an interface, when the idle program has let go; returns the program."""
        self.busy = True
        gone = self.subject.let_go()
        for child in self.listened:
            if not child.ended:
                child.ends(1)
        self.successResultOf(gone)
        self.path = self.directory / f"{name}.raw.wav"
        self.jobs.append(Recorded(self.start(seconds=1000, device="hw:0"), name))
        return self.reactor.last

    def end(self, name: str, child: FakeProcess) -> None:
        """Let a job end its capture."""
        job = next(each for each in self.jobs if each.interface_id == name)
        job.capture.stop()
        child.ends(1)
        self.assertIsNotNone(job.capture.outcome)

    def run_on(self, seconds: float, **giving: tuple[FakeProcess, float]) -> None:
        """Let time pass, in which programs deliver samples of a level, a quarter at a time."""
        for _ in range(round(seconds * 4)):
            for child, level in giving.values():
                self.give(child, pcm(0.25, level))
            self.reactor.advance(0.25)

    def give(self, child: FakeProcess, data: bytes) -> None:
        """Let a program deliver, into its pipe or its file."""
        if child in self.listened:
            child.says(data)
        else:
            child.writes(data)

    # What comes of it

    def frames(self) -> list[tuple[str, float, float]]:
        """The interface, the peak of the first channel, and the second of each frame."""
        return [
            (
                call[1]["interfaceId"],
                call[1]["levels"][0]["peakDbfs"],
                parse_stamp(call[1]["capturedAt"]) - EPOCH,
            )
            for call in self.controller.named("post_meter_frame")
        ]

    def peaks(self) -> list[tuple[str, float]]:
        """The interface and the peak of each frame."""
        return [(name, peak) for name, peak, _ in self.frames()]

    def chunks(self) -> list[tuple[float, int]]:
        """The second and the length in milliseconds of each chunk."""
        return [
            (round(call[3] - EPOCH, 3), call[2])
            for call in self.controller.named("post_monitor_chunk")
        ]

    def types(self) -> list[str]:
        """The types of the events, without what all have."""
        return [each.removeprefix("agent.meter.") for each in self.noted.types()]
