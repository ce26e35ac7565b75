"""Tests for ``rakkr.meters.sending``."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.meters.frame import MeterFrame
from rakkr.meters.sending import ChunkSender, FrameSender, Heard
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.meters.frames import GOOD, frame

NODE = "node_1"


def at(seconds: float) -> MeterFrame:
    """A frame of a moment."""
    made = frame(GOOD, GOOD)
    return MeterFrame(
        captured_at=seconds,
        interface_id=made.interface_id,
        levels=made.levels,
        frames=made.frames,
        rate=made.rate,
    )


def chunk(number: int) -> Heard:
    """A chunk of two seconds."""
    return Heard(b"%d" % number, 2000, 2.0 * number, "iface_1")


class FrameTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.controller = FakeController(post_meter_frame=[None])
        self.noted = Noted()
        self.subject = FrameSender(self.controller, self.noted, NODE)

    def sent(self) -> list[str]:
        """The stamps of what was posted."""
        return [call[1]["capturedAt"][17:19] for call in self.controller.named("post_meter_frame")]

    def test_each(self) -> None:
        """Every frame is posted, as the body that the contract wants."""
        self.subject.send(at(1.0))
        self.subject.send(at(2.0))
        self.assertEqual(self.sent(), ["01", "02"])
        body = self.controller.calls[0][1]
        self.assertEqual((body["nodeId"], body["interfaceId"]), (NODE, "iface_1"))
        self.assertEqual(len(body["levels"]), 2)
        self.assertEqual(self.noted.events, [])

    def test_a_slow_controller(self) -> None:
        """While one is under way the newest waits, and is posted then; the others are counted."""
        first: Deferred[Any] = Deferred()
        self.controller.answers["post_meter_frame"] = [first, None]
        for second in range(1, 5):
            self.subject.send(at(float(second)))
        self.assertEqual(self.sent(), ["01"])
        first.callback(None)
        self.assertEqual(self.sent(), ["01", "04"])
        self.assertEqual(self.subject.lost, 2)

    def test_an_outage(self) -> None:
        """A run of failures is one event, and its end another, with what the contract wants."""
        self.controller.answers["post_meter_frame"] = [
            Unreachable("reset"),
            Rejected(400, ""),
            None,
        ]
        for second in range(4):
            self.subject.send(at(float(second)))
        self.assertEqual(
            self.noted.types(),
            ["agent.meter_frame.sync_failed", "agent.meter_frame.sync_recovered"],
        )
        facts = self.noted.events[0][2]
        self.assertEqual(
            sorted(facts), ["capturedAt", "channelCount", "error", "interfaceId", "nodeId"]
        )
        self.assertIn("reset", facts["error"])
        facts = self.noted.events[1][2]
        self.assertEqual(
            sorted(facts), ["capturedAt", "channelCount", "failureCount", "interfaceId", "nodeId"]
        )
        self.assertEqual(facts["failureCount"], 2)

    def test_a_defect(self) -> None:
        """A defect is logged, and the next frame is posted."""
        self.controller.answers["post_meter_frame"] = [ZeroDivisionError("a defect"), None]
        self.subject.send(at(1.0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.subject.send(at(2.0))
        self.assertEqual(self.sent(), ["01", "02"])

    def test_stop(self) -> None:
        """A stop gives up what is under way and what waits, and is no outage."""
        under_way: Deferred[Any] = Deferred()
        self.controller.answers["post_meter_frame"] = [under_way]
        self.subject.send(at(1.0))
        self.subject.send(at(2.0))
        self.subject.stop()
        self.assertTrue(under_way.called)
        self.subject.send(at(3.0))
        self.subject.stop()
        self.assertEqual(self.sent(), ["01"])
        self.assertEqual(self.noted.events, [])


class ChunkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.controller = FakeController(post_monitor_chunk=[None])
        self.noted = Noted()
        self.subject = ChunkSender(self.controller, self.noted, NODE)

    def sent(self) -> list[int]:
        """The numbers of what was posted."""
        return [int(call[1]) for call in self.controller.named("post_monitor_chunk")]

    def test_each(self) -> None:
        """Every chunk is posted, with its length and our wall time of its first sample."""
        self.subject.send(chunk(1))
        self.subject.send(chunk(2))
        expected = [
            ("post_monitor_chunk", b"1", 2000, 2.0, False),
            ("post_monitor_chunk", b"2", 2000, 4.0, False),
        ]
        self.assertEqual(self.controller.calls, expected)

    def test_a_slow_listener(self) -> None:
        """Two long chunks wait; of more the oldest is lost, and the order stays."""
        first: Deferred[Any] = Deferred()
        self.controller.answers["post_monitor_chunk"] = [first, None]
        for number in (1, 2, 3):
            self.subject.send(chunk(number))
        self.assertEqual(self.subject.lost, 0)
        self.subject.send(chunk(4))
        self.assertEqual(self.subject.lost, 1)
        first.callback(None)
        self.assertEqual(self.sent(), [1, 3, 4])

    def test_short_chunks(self) -> None:
        """What counts is how much waits: four seconds of short chunks may, and no more."""
        first: Deferred[Any] = Deferred()
        self.controller.answers["post_monitor_chunk"] = [first, None]
        for number in range(21):
            self.subject.send(attrs.evolve(chunk(number), duration_ms=200))
        self.assertEqual(self.subject.lost, 0)
        self.subject.send(attrs.evolve(chunk(21), duration_ms=200))
        self.assertEqual(self.subject.lost, 1)
        first.callback(None)
        self.assertEqual(self.sent(), [0, *range(2, 22)])

    def test_an_outage(self) -> None:
        """A run of failures is one event, and its end another, with what the contract wants."""
        self.controller.answers["post_monitor_chunk"] = [Unreachable("reset")] * 3 + [None]
        for number in range(5):
            self.subject.send(chunk(number))
        self.assertEqual(
            self.noted.types(),
            [
                "agent.listen_monitor.chunk_sync_failed",
                "agent.listen_monitor.chunk_sync_recovered",
            ],
        )
        facts = dict(self.noted.events[0][2])
        self.assertIn("reset", facts.pop("error"))
        self.assertEqual(
            facts,
            {
                "capturedAt": "1970-01-01T00:00:00.000Z",
                "contentType": "audio/wav",
                "durationMs": 2000,
                "interfaceId": "iface_1",
                "monitorBytes": 1,
                "nodeId": NODE,
            },
        )

    def test_a_defect(self) -> None:
        """A defect is logged, and the next chunk is posted."""
        self.controller.answers["post_monitor_chunk"] = [ZeroDivisionError("a defect"), None]
        self.subject.send(chunk(1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.subject.send(chunk(2))
        self.assertEqual(self.sent(), [1, 2])

    def test_stop(self) -> None:
        """A stop gives up what is under way and what waits, and is no outage."""
        under_way: Deferred[Any] = Deferred()
        self.controller.answers["post_monitor_chunk"] = [under_way]
        for number in (1, 2):
            self.subject.send(chunk(number))
        self.subject.stop()
        self.assertTrue(under_way.called)
        self.subject.send(chunk(3))
        self.subject.stop()
        self.assertEqual(self.sent(), [1])
        self.assertEqual((self.noted.events, self.subject.lost), ([], 0))
