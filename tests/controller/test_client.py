"""Every endpoint through the client, against a resource in memory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface.verify import verifyClass, verifyObject

from rakkr.clock import WallTime
from rakkr.controller.address import ControllerAddress
from rakkr.controller.calls import Calls
from rakkr.controller.client import ControllerClient
from rakkr.controller.errors import (
    BadMessage,
    Rejected,
    TokenUnreadable,
    Unauthorised,
    WrongReceipt,
)
from rakkr.controller.interface import IController
from rakkr.controller.token import TextToken
from rakkr.controller.transport import NodeAgent, Timeouts, Transport
from rakkr.controller.upload import Upload
from tests.controller.places import new_path
from tests.controller.test_decode import JOB

NODE = {"id": "node/1", "status": "online", "interfaces": []}
DATE = b"Tue, 15 Nov 1994 08:12:31 GMT"
DATE_SECONDS = 784887151.0

verifyClass(IController, ControllerClient)


class Controller(Resource):
    """Answers every request with what it was told to, and notes what it was asked."""

    isLeaf = True  # noqa: N815

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.data: Any = {}
        self.raw: bytes | None = None
        self.seen: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.body = b""

    def render(self, request: Request) -> bytes:
        """Answer."""
        self.seen.append((request.method.decode(), request.uri.decode()))
        self.headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        assert request.content is not None
        self.body = request.content.read()
        request.setResponseCode(self.status)
        request.setHeader(b"Date", DATE)
        if self.status == 204:
            return b""
        return json.dumps({"data": self.data}).encode() if self.raw is None else self.raw


class ClientTests(SynchronousTestCase):
    """What is asked, how, and what is made of the answers."""

    def setUp(self) -> None:
        """Put a client in front of a controller in memory."""
        self.clock = Clock()
        self.controller = Controller()
        self.wall = WallTime(lambda: DATE_SECONDS - 60)
        self.client = self.make(TextToken("secret"))

    def make(self, token: TextToken) -> ControllerClient:
        """Make a client with a token."""
        agent = NodeAgent(RequestTraversalAgent(self.controller), "node/1", token)
        transport = Transport(self.clock, agent, agent, token, lambda: succeed(None))
        address = ControllerAddress.parse("https://rakkr.example/base/")
        return ControllerClient(
            self.wall,
            Calls(address, transport, Timeouts()),
            transport.close,
            node_id="node/1",
            in_thread=maybeDeferred,
        )

    def tearDown(self) -> None:
        """See that no budget is left running."""
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_is_a_controller(self) -> None:
        """The client provides what the services ask for."""
        verifyObject(IController, self.client)

    def test_token_in_an_answer(self) -> None:
        """An error page that shows the request does not bring the token into events and logs."""
        self.controller.raw = b"<pre>Authorization: Bearer secret</pre>"
        for status in (401, 500):
            self.controller.status = status
            failure = self.failureResultOf(self.client.heartbeat({}), Rejected)
            self.assertIn("<pre>Authorization: Bearer ***</pre>", str(failure.value))

    def test_paths(self) -> None:
        """Every call goes to its endpoint, with the ids quoted, and says who asks."""
        client, base = self.client, "/base/api/v1"
        node, jobs = f"{base}/nodes/node%2F1", f"{base}/recording-jobs/j%201"
        assignments: list[Any] = []
        calls: list[tuple[Any, Any, str, str]] = [
            (lambda: client.heartbeat({}), NODE, "POST", f"{node}/heartbeat"),
            (lambda: client.post_inventory([]), {"node": NODE}, "POST", f"{node}/inventory"),
            (lambda: client.post_meter_frame({}), {}, "POST", f"{node}/meter-frame"),
            (
                lambda: client.post_monitor_chunk(b"x", duration_ms=1000),
                {},
                "POST",
                f"{node}/listen/chunk",
            ),
            (
                lambda: client.post_monitor_chunk(b"x", duration_ms=1000, enhanced=True),
                {},
                "POST",
                f"{node}/listen/chunk?rendition=enhanced",
            ),
            (client.node_config, {}, "GET", f"{node}/config"),
            (lambda: client.post_health_event({}), {}, "POST", f"{node}/health-events"),
            (client.channel_map_assignments, assignments, "GET", f"{node}/channel-map-assignments"),
            (client.claim_next_group, [JOB], "POST", f"{node}/recording-jobs/claim-next-group"),
            (client.claim_next, JOB, "POST", f"{node}/recording-jobs/claim-next"),
            (client.peek_next, JOB, "GET", f"{node}/recording-jobs/next"),
            (lambda: client.claim("j 1"), JOB, "POST", f"{jobs}/claim"),
            (lambda: client.heartbeat_job("j 1"), JOB, "POST", f"{jobs}/heartbeat"),
            (lambda: client.get_job("j 1"), JOB, "GET", jobs),
            (lambda: client.mark_cancelled("j 1", "x"), JOB, "POST", f"{jobs}/cancelled"),
            (lambda: client.mark_failed("j 1", "x"), JOB, "POST", f"{jobs}/failed"),
        ]
        for call, data, method, path in calls:
            self.controller.data = data
            self.successResultOf(call())
            self.assertEqual(self.controller.seen[-1], (method, path))
            self.assertEqual(self.controller.headers["authorization"], "Bearer secret")
            self.assertEqual(self.controller.headers["x-rakkr-agent-id"], "node/1")

    def test_bodies_are_clean(self) -> None:
        """What is posted has gone through the sanitiser."""
        self.controller.data = NODE
        self.successResultOf(
            self.client.heartbeat({"hostname": "r\0\udcff", "runtime": None, "x": float("nan")})
        )
        self.assertEqual(json.loads(self.controller.body), {"hostname": "r\ufffd"})
        self.assertEqual(self.controller.headers["content-type"], "application/json")

    def test_nulls_of_events(self) -> None:
        """The details of an event keep the members that nobody knows, as the contract has it."""
        self.controller.data = {}
        event = {"details": {"sizeBytes": None, "error": "x\0"}}
        self.successResultOf(self.client.post_health_event(event))
        self.assertEqual(
            json.loads(self.controller.body), {"details": {"sizeBytes": None, "error": "x"}}
        )

    def test_reason_is_one_line(self) -> None:
        """A reason of many lines is one header; an empty one is none."""
        self.controller.data = JOB
        self.successResultOf(self.client.mark_failed("j", "arecord:\nbusy " + "é" * 2000))
        reason = self.controller.headers["x-rakkr-reason"]
        self.assertTrue(reason.startswith("arecord: busy ee"))
        self.assertEqual(len(reason), 1000)
        self.successResultOf(self.client.mark_failed("j", "\n"))
        self.assertNotIn("x-rakkr-reason", self.controller.headers)

    def test_skew_after_an_outage(self) -> None:
        """The skew is the median of the last answers, and of those after an outage alone."""
        self.controller.data = NODE
        wall = [DATE_SECONDS, DATE_SECONDS, DATE_SECONDS - 60, *[DATE_SECONDS] * 2]
        self.wall.now = lambda: wall.pop(0)
        for _ in range(5):
            self.successResultOf(self.client.heartbeat({}))
            self.assertEqual(self.wall.skew_seconds, 0.5)
        self.controller.status = 503
        self.failureResultOf(self.client.heartbeat({}), Rejected)
        self.controller.status = 200
        wall.append(DATE_SECONDS - 60)
        self.successResultOf(self.client.heartbeat({}))
        self.assertEqual(self.wall.skew_seconds, 60.5)

    def test_skew_corrects_live_audio(self) -> None:
        """The heartbeat measures the skew, and the moment of live audio is the controller's."""
        self.controller.data = NODE
        self.successResultOf(self.client.heartbeat({}))
        self.assertEqual(self.wall.skew_seconds, 60.5)
        self.successResultOf(
            self.client.post_monitor_chunk(b"RIFF", duration_ms=1000, captured_at=DATE_SECONDS - 60)
        )
        self.assertEqual(self.controller.headers["x-rakkr-captured-at"], "1994-11-15T08:12:31.500Z")
        self.assertEqual(self.controller.headers["content-type"], "audio/wav")
        self.assertEqual(self.controller.headers["x-rakkr-duration-ms"], "1000")
        self.assertEqual(self.controller.body, b"RIFF")

    def test_nothing_to_claim(self) -> None:
        """204 is None for everything that may have nothing to say."""
        self.controller.status = 204
        for call in (self.client.claim_next_group, self.client.claim_next, self.client.peek_next):
            self.assertIsNone(self.successResultOf(call()))

    def test_rejections(self) -> None:
        """A status is what the caller decides on: 401 is its own, 409 final, 503 may pass."""
        self.controller.raw = b'{"error":"no\n way"}'
        for status, transient in (
            (400, False),
            (409, False),
            (408, True),
            (429, True),
            (500, True),
            (503, True),
        ):
            self.controller.status = status
            failure = self.failureResultOf(self.client.heartbeat_job("j"), Rejected)
            self.assertEqual(failure.value.transient, transient)
            self.assertEqual(
                str(failure.value),
                f'controller rejected job heartbeat with {status}: {{"error":"no way"}}',
            )
        self.controller.status = 401
        failure = self.failureResultOf(self.client.get_job("j"), Unauthorised)
        self.assertEqual(failure.value.status, 401)
        self.assertEqual(len(self.controller.seen), 7, "a token that stays is not tried twice")

    def test_no_token(self) -> None:
        """Without a token nothing is asked."""
        client = self.make(TextToken(None))
        self.failureResultOf(client.get_job("j"), TokenUnreadable)
        self.assertEqual(self.controller.seen, [])

    def test_unreadable_answers(self) -> None:
        """Success without readable data is named with its call."""
        for raw in (b"", b"{}", b"<p>", b'{"data":{"node":null}}', b'{"data":null}'):
            self.controller.raw = raw
            self.failureResultOf(self.client.post_inventory([]), BadMessage)

    def test_upload(self) -> None:
        """A file goes with its headers, and its receipt must be of its bytes."""
        path = new_path(self)
        path.write_bytes(b"fLaC" * 1000)
        checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        upload = Upload(
            path=path, content_type="audio/flac", file_name="Vöx.FLAC", duration_seconds=1.5
        )
        self.controller.status = 201
        self.controller.data = {"file": {"checksum": checksum, "size": 4000}}
        told: list[tuple[int, int]] = []
        got = self.successResultOf(
            self.client.upload_cache_file("rec_1", upload, lambda *how: told.append(how))
        )
        self.assertEqual(got.checksum, checksum)
        self.assertEqual(told, [(4000, 4000)])
        self.assertEqual(self.controller.body, path.read_bytes())
        self.assertEqual(self.controller.headers["content-length"], "4000")
        self.assertEqual(self.controller.headers["x-rakkr-file-name"], "Vox.FLAC")
        self.assertEqual(self.controller.headers["x-rakkr-duration-seconds"], "1.500000")
        self.assertNotIn("x-rakkr-recording-job-id", self.controller.headers)
        self.controller.data = {"file": {"checksum": checksum, "size": 3999}}
        failure = self.failureResultOf(self.client.upload_cache_file("rec_1", upload), WrongReceipt)
        self.assertEqual((failure.value.sent_size, failure.value.size), (4000, 3999))

    def test_uploads_that_make_no_sense(self) -> None:
        """Impossible numbers are refused when an upload is described; their limits are not."""
        good: dict[str, Any] = {"path": Path("x"), "content_type": "audio/wav", "file_name": "x"}
        Upload(**good, duration_seconds=0.0, chunk=0, chunk_total=1)
        wrong: tuple[dict[str, Any], ...] = (
            {"duration_seconds": -0.1},
            {"duration_seconds": float("nan")},
            {"chunk": -1},
            {"chunk_total": 0},
            {"rendition": "Raw"},
        )
        for bad in wrong:
            self.assertRaises(ValueError, Upload, **good, **bad)
        long = Upload(**{**good, "file_name": "x" * 5000 + ".flac"})
        self.assertEqual(long.headers()["x-rakkr-file-name"], "x" * 200 + ".flac")
