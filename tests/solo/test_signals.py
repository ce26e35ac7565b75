"""Tests for ``rakkr.solo.signals``, through the routes."""

from __future__ import annotations

from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from rakkr.clock import WallTime
from rakkr.controller.address import ControllerAddress
from rakkr.controller.calls import Calls
from rakkr.controller.client import ControllerClient
from rakkr.controller.errors import Rejected
from rakkr.controller.token import TextToken
from rakkr.controller.transport import NodeAgent, Timeouts, Transport
from rakkr.meters.synthetic import synthetic_chunk, synthetic_frame
from rakkr.solo.signals import KEPT_BYTES, KEPT_FRAMES
from rakkr.stamps import format_stamp
from tests.solo.desk import START, Desk
from tests.solo.test_acceptance import FRAME, LEVEL, MONITOR, WAV


class SignalsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk(self)

    def post(self, **members: Any) -> None:
        """Post levels."""
        reply = self.desk.agent("POST", "/nodes/node_1/meter-frame", {**FRAME, **members})
        self.assertEqual(reply.status, 202)

    def kept(self) -> list[Any]:
        """The interfaces of the frames that are kept."""
        found = self.desk.operator("GET", "/nodes/node_1/meter-frames").data
        return [each["frame"]["interfaceId"] for each in found]

    def listen(self, query: str = "") -> Any:
        """The last sound, and what is said of it."""
        reply = self.desk.operator("GET", f"/nodes/node_1/listen/chunk{query}")
        about = {
            name: reply.headers.getRawHeaders(f"x-rakkr-{name}", [None])[0]
            for name in ("captured-at", "duration-ms", "received-at")
        }
        return reply.status, reply.content, about

    def test_history(self) -> None:
        """The frames of a node are kept with the newest first and the moment each one came."""
        self.assertEqual(self.kept(), [])
        self.post(interfaceId="a")
        self.desk.clock.advance(5)
        self.post(interfaceId="b")
        found = self.desk.operator("GET", "/nodes/node_1/meter-frames").data
        self.assertEqual(
            found,
            [
                {"frame": {**FRAME, "interfaceId": "b"}, "receivedAt": format_stamp(START + 5)},
                {"frame": {**FRAME, "interfaceId": "a"}, "receivedAt": format_stamp(START)},
            ],
        )
        self.assertEqual(self.desk.operator("GET", "/nodes/node_2/meter-frames").data, [])

    def test_history_ends(self) -> None:
        """Only so many frames are kept."""
        for count in range(KEPT_FRAMES + 1):
            self.post(interfaceId=str(count))
        kept = self.kept()
        self.assertEqual(len(kept), KEPT_FRAMES)
        self.assertEqual((kept[0], kept[-1]), (str(KEPT_FRAMES), "1"))

    def test_large_frames(self) -> None:
        """Frames of many channels fill no memory: fewer of them are kept."""
        levels = [LEVEL] * 512
        for count in range(100):
            self.post(interfaceId=str(count), levels=levels)
        reply = self.desk.operator("GET", "/nodes/node_1/meter-frames")
        self.assertEqual(self.kept()[0], "99")
        # As they are sent, with blanks, they are a little larger than as they are kept.
        self.assertLess(len(reply.content), KEPT_BYTES * 1.15)
        self.assertGreater(len(reply.content), KEPT_BYTES * 0.9)

    def test_refused_frame(self) -> None:
        """A frame that was refused is not kept, and leaves the latest one as it is."""
        self.post(interfaceId="good")
        bad = {**FRAME, "interfaceId": "bad", "levels": [{**LEVEL, "rmsDbfs": -161}]}
        self.assertEqual(self.desk.agent("POST", "/nodes/node_1/meter-frame", bad).status, 400)
        self.assertEqual(self.kept(), ["good"])
        latest = self.desk.operator("GET", "/nodes/node_1/meter-frame").data
        self.assertEqual(latest["frame"]["interfaceId"], "good")

    def test_sound(self) -> None:
        """The last sound of each rendition is there as it was sent, with when it was captured."""
        self.assertEqual(self.listen()[0], 204)
        headers = {**MONITOR, "x-rakkr-captured-at": "2023-11-14T22:13:18.250Z"}
        for at, query in enumerate(("", "", "?rendition=enhanced")):
            path = f"/nodes/node_1/listen/chunk{query}"
            self.desk.agent("POST", path, WAV + bytes([at]), headers=headers)
            self.desk.clock.advance(1)
        about = {
            "captured-at": "2023-11-14T22:13:18.250Z",
            "duration-ms": "1000",
            "received-at": format_stamp(START + 1),
        }
        self.assertEqual(self.listen(), (200, WAV + b"\1", about))
        self.assertEqual(self.listen("?rendition=enhanced")[1], WAV + b"\2")

    def test_operators_only(self) -> None:
        """Levels and sound are for the operator: a node's token reads neither."""
        for what in ("meter-frame", "meter-frames", "listen/chunk"):
            path = f"api/v1/solo/nodes/node_1/{what}"
            for token in ("node", None):
                self.assertEqual(self.desk.call("GET", path, token=token).status, 401)

    def test_agent(self) -> None:
        """What an agent makes is taken from its own client: levels, sound and its moment."""
        agent, token = (
            RequestTraversalAgent(self.desk.solo.resource),
            TextToken("rakkr_node_memory"),
        )
        node = NodeAgent(agent, "node_1", token)
        transport = Transport(self.desk.clock, node, node, token, lambda: succeed(None))
        wall = WallTime(self.desk.clock.seconds, skew_seconds=2.0)
        calls = Calls(ControllerAddress.parse("https://solo"), transport, Timeouts())
        client = ControllerClient(
            wall, calls, transport.close, node_id="node_1", in_thread=maybeDeferred
        )
        made = synthetic_frame(1, 512, START)
        self.wait(agent, client.post_meter_frame(made.as_wire("node_1")))
        latest = self.desk.operator("GET", "/nodes/node_1/meter-frame").data
        self.assertEqual(latest["frame"], made.as_wire("node_1"))
        chunk = synthetic_chunk(made, 4.0)
        for seconds, taken in ((4.0, True), (10.001, False)):
            sent = client.post_monitor_chunk(
                chunk, duration_ms=round(seconds * 1000), captured_at=START - seconds
            )
            if taken:
                self.wait(agent, sent)
            else:
                self.failureResultOf(self.started(agent, sent), Rejected)
        status, content, about = self.listen()
        self.assertEqual((status, content, about["duration-ms"]), (200, chunk, "4000"))
        self.assertEqual(about["captured-at"], format_stamp(START - 2))

    def started(self, agent: RequestTraversalAgent, call: Any) -> Deferred[Any]:
        """Let a call go through."""
        sent: Deferred[Any] = Deferred.fromCoroutine(call)
        agent.flush()
        return sent

    def wait(self, agent: RequestTraversalAgent, call: Any) -> None:
        """Let a call go through, and see that it succeeds."""
        self.successResultOf(self.started(agent, call))
