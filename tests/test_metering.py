"""Tests for ``rakkr.metering``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.capture.request import CaptureRequest
from rakkr.controller.messages import Interface
from rakkr.health.problems import OpenProblems
from rakkr.inventory.interface import FALLBACK, AudioInterface
from rakkr.inventory.theirs import Directory
from rakkr.live import LiveSettings
from rakkr.metering import idle_request, make_analysis, make_meters, name_of
from rakkr.meters.kept import Kept
from rakkr.meters.service import MeterService
from rakkr.setting_channels import ChannelChoice
from rakkr.settings import Settings
from tests.capture.requests import request
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.fakes.world import fake_world
from tests.meters.making import S16, pcm, ramp
from tests.test_live import config

CARD = AudioInterface(
    id="alsa_card_xusb_dev_0",
    backend="alsa",
    system_name="X-USB",
    system_ref="hw:CARD=XUSB,DEV=0",
    channel_count=32,
    card=2,
    card_id="XUSB",
    device=0,
)
THEIRS = Interface(
    id="uuid-1",
    backend="alsa",
    channel_count=32,
    system_name="X-USB",
    system_ref="hw:CARD=XUSB,DEV=0",
)


def wished(**settings: Any) -> LiveSettings:
    """Settings with changes."""
    return LiveSettings(attrs.evolve(Settings(), **settings))


class RequestTests(SynchronousTestCase):
    def test_the_configured_device(self) -> None:
        """What is listened to is the configured device, in its format, by the capture program."""
        live = wished(capture_device="plughw:1", capture_format="S32_LE", capture_channels=4)
        found = idle_request(live, ())
        self.assertEqual(
            (found.device, found.format.name, found.channels), ("plughw:1", "S32_LE", 4)
        )
        self.assertEqual((found.backend, found.command), ("alsa", "arecord"))

    def test_all_channels(self) -> None:
        """Of an input that is known all channels are listened to."""
        for name in ("hw:2,0", "hw:CARD=XUSB,DEV=0", "plughw:XUSB"):
            self.assertEqual(idle_request(wished(capture_device=name), [CARD]).channels, 32)
        self.assertEqual(idle_request(wished(capture_device="hw:3"), [CARD]).channels, 2)

    def test_backend(self) -> None:
        """JACK and PipeWire are chosen for meters alone; ALSA and invention leave the capture's."""
        for meter, capture, expected in (
            ("jack", "alsa", "jack"),
            ("pipewire", "alsa", "pipewire"),
            ("alsa", "jack", "jack"),
            ("synthetic", "pipewire", "pipewire"),
        ):
            live = wished(meter_backend=meter, capture_backend=capture)
            self.assertEqual(idle_request(live, ()).backend, expected)

    def test_what_the_operator_sets(self) -> None:
        """What the controller lays over the settings holds at once."""
        live = wished()
        live.apply(config(capture_device="hw:7", meter_args_template="-x"))
        found = idle_request(live, ())
        self.assertEqual((found.device, found.args_template), ("hw:7", "-x"))

    def test_an_unknown_format(self) -> None:
        """A format that nobody knows is replaced, which is said once and not at every look."""
        live = wished(capture_format="S99")
        with capturedLogs() as logs:
            for _ in range(3):
                self.assertEqual(idle_request(live, ()).format, sample_format("S16_LE"))
        self.assertEqual(len(logs), 1)


class NameTests(SynchronousTestCase):
    def test_the_job_names_it(self) -> None:
        """The id that the job has is the controller's own."""
        self.assertEqual(name_of("uuid-9", request(), [CARD], Directory([THEIRS])), "uuid-9")

    def test_the_controller_knows_it(self) -> None:
        """An input that the controller knows has its id, whatever name it is opened by."""
        self.assertEqual(
            name_of(None, request(device="plughw:2,0"), [CARD], Directory([THEIRS])), "uuid-1"
        )

    def test_we_know_it(self) -> None:
        """Else it has our own, and what nobody knows has a name of its own."""
        other = attrs.evolve(THEIRS, system_ref="hw:CARD=Y,DEV=0")
        self.assertEqual(
            name_of(None, request(device="hw:2,0"), [CARD], Directory([other])), CARD.id
        )
        self.assertEqual(
            name_of(None, request(device="default"), [CARD], Directory([THEIRS])), FALLBACK.id
        )
        self.assertEqual(
            name_of(None, request(device="hw:7"), [CARD], Directory([THEIRS])), FALLBACK.id
        )

    def test_sound_servers(self) -> None:
        """A source of PipeWire is named, and listened to with all of its channels."""
        source = AudioInterface(
            id="pipewire_mic", backend="pipewire", system_name="mic", channel_count=6
        )
        theirs = attrs.evolve(THEIRS, id="uuid-2", system_ref="mic")
        asked = request(device="mic", backend="pipewire")
        self.assertEqual(name_of(None, asked, [CARD, source], Directory([theirs])), "uuid-2")
        live = wished(capture_device="mic", capture_backend="pipewire")
        self.assertEqual(idle_request(live, [CARD, source]).channels, 6)
        self.assertEqual(idle_request(wished(capture_device="mic"), [CARD, source]).channels, 2)


class AnalysisTests(SynchronousTestCase):
    def chunks(self, **settings: Any) -> int:
        """How many chunks four seconds and a half make."""
        live = wished(**settings)
        found = make_analysis(live.current, None, S16, 8000, 2)
        found.feed(ramp(4 * 8000 + 4000))
        return len(found.take_chunks())

    def test_listeners(self) -> None:
        """Chunks are as long as is set, and none is made where nobody may listen."""
        self.assertEqual(self.chunks(), 2)
        self.assertEqual(self.chunks(monitor_chunk_seconds=1.0), 4)
        self.assertEqual(self.chunks(monitor_chunk_sync_enabled=False), 0)

    def test_channels_that_are_not_there(self) -> None:
        """Who is to hear channels that the device does not have hears all, and it is said."""
        with capturedLogs() as logs:
            self.assertEqual(self.chunks(monitor_channels=ChannelChoice((7,))), 2)
        self.assertEqual(len(logs), 1)
        self.assertEqual(self.chunks(monitor_channels=ChannelChoice((2, 7))), 2)

    def test_an_impossible_length(self) -> None:
        """A length that no chunk can have costs the listeners, and not the levels."""
        with capturedLogs() as logs:
            self.assertEqual(self.chunks(monitor_chunk_seconds=11.0), 0)
        self.assertEqual(len(logs), 1)


class MetersTests(SynchronousTestCase):
    """The whole service, as the daemon has it."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.noted = Noted()
        self.controller = FakeController(post_meter_frame=[None], post_monitor_chunk=[None])
        self.known: list[AudioInterface] = []
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.problems = OpenProblems(
            self.directory / "open.json", FakeThreads(), self.reactor, "node_local_dev"
        )

    def find_route(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Nothing here needs a special route."""
        return succeed(request)

    def start(self, *, controller: bool = True, **settings: Any) -> MeterService:
        """Start it; stopped at the end of the test, with nothing left."""
        live = wished(capture_sample_rate=8000, heartbeat_seconds=1, **settings)
        service = make_meters(
            live.base,
            fake_world(self.reactor, {"PATH": "/nowhere"}),
            live=live,
            evidence=self.noted,
            controller=self.controller if controller else None,
            find_route=self.find_route,
            takes=list,
            busy=lambda: False,
            known=lambda: self.known,
            directory=Directory([THEIRS]),
            problems=self.problems,
            kept=Kept(self.reactor, FakeThreads()),
        )
        service.startService()
        self.addCleanup(self.stop, service)
        return service

    def stop(self, service: MeterService) -> None:
        stopped = service.stopService()
        for child in self.reactor.spawned:
            if not child.ended:
                child.ends(1)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_outage_over_a_restart(self) -> None:
        """Levels and sound that an earlier agent could not post are posted: that is told, once."""
        for what in ("agent.meter_frame.sync_failed", "agent.listen_monitor.chunk_sync_failed"):
            self.problems.put(what, "warning")
        self.start(capture_device="hw:2,0", capture_channels=2)
        for _ in range(20):
            self.reactor.last.says(pcm(0.25, 0.5))
            self.reactor.advance(0.25)
        self.assertEqual(
            sorted(self.noted.types()),
            ["agent.listen_monitor.chunk_sync_recovered", "agent.meter_frame.sync_recovered"],
        )
        self.assertEqual(self.problems.keys(), ())

    def names(self) -> set[str]:
        """The interfaces of all frames."""
        return {call[1]["interfaceId"] for call in self.controller.named("post_meter_frame")}

    def test_levels_and_sound(self) -> None:
        """The configured device is listened to, with the network that hears speech."""
        self.start(capture_device="hw:2,0", capture_channels=2)
        for _ in range(20):
            self.reactor.last.says(pcm(0.25, 0.5))
            self.reactor.advance(0.25)
        self.assertEqual(self.names(), {FALLBACK.id})
        self.assertTrue(self.controller.named("post_monitor_chunk"))

    def test_an_inventory_that_comes_later(self) -> None:
        """As soon as the input is known all its channels are listened to, by its name."""
        self.start(capture_device="hw:2,0")
        self.known = [CARD]
        self.reactor.advance(0.25)
        self.reactor.last.ends(1)
        self.assertEqual(self.reactor.last.argv[8], "32")
        self.reactor.advance(0.25)
        for _ in range(8):
            self.reactor.last.says(bytes(2000 * 64))
            self.reactor.advance(0.25)
        self.assertEqual(self.names(), {"uuid-1"})

    def test_synthetic(self) -> None:
        """Invented levels open no device."""
        self.start(meter_backend="synthetic")
        self.reactor.advance(1.0)
        self.assertEqual(self.names(), {"iface_synthetic"})
        self.assertEqual(self.reactor.spawned, [])

    def test_no_controller(self) -> None:
        """Without a controller there are alarms all the same."""
        self.start(controller=False, meter_alarm_set_seconds=0.0)
        for _ in range(8):
            self.reactor.last.says(pcm(0.25, 0.99))
            self.reactor.advance(0.25)
        self.assertIn("agent.meter.clipping", self.noted.types())
