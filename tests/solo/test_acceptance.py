"""The rules of the controller contract that were confirmed by driving the reference controller."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.solo.desk import Desk

HEARTBEAT = {"agentVersion": "py-0.1", "hostname": "rec1"}
LEVEL = {
    "channelIndex": 1,
    "clipping": False,
    "label": "Input 1",
    "peakDbfs": -12.5,
    "rmsDbfs": -20,
}
QUALITY = {
    "crestFactorDb": 10,
    "noiseScore": 0.1,
    "speechScore": 0.5,
    "zeroCrossingRate": 0.2,
    "speechLike": True,
}
FRAME = {
    "capturedAt": "2026-01-02T03:04:05.678Z",
    "interfaceId": "alsa_card_xusb_dev_0",
    "nodeId": "node_1",
    "levels": [LEVEL],
}
INTERFACE = {"alias": "X32", "channelCount": 32, "systemName": "X-USB"}
EVENT = {"type": "agent.started", "severity": "info"}
WAV = b"RIFF" + bytes(40)
MONITOR = {"content-type": "audio/wav", "x-rakkr-duration-ms": "1000"}


@attrs.frozen
class Row:
    """One request and the status that the contract promises."""

    rule: str
    method: str
    path: str
    status: int
    body: Any = None
    headers: dict[str, str] = attrs.field(factory=dict)
    given: str = "queued"
    token: str | None = "node"


def beat(rule: str, status: int, /, **members: Any) -> Row:
    return Row(rule, "POST", "/nodes/node_1/heartbeat", status, {**HEARTBEAT, **members})


def report(rule: str, status: int, /, **members: Any) -> Row:
    body = {"interfaces": [{**INTERFACE, **members}]}
    return Row(rule, "POST", "/nodes/node_1/inventory", status, body)


def frame(rule: str, status: int, /, **members: Any) -> Row:
    return Row(rule, "POST", "/nodes/node_1/meter-frame", status, {**FRAME, **members})


def level(rule: str, status: int, /, **members: Any) -> Row:
    return frame(rule, status, levels=[{**LEVEL, **members}])


def quality(rule: str, status: int, /, **members: Any) -> Row:
    return level(rule, status, quality={**QUALITY, **members})


def listen(rule: str, status: int, body: bytes = WAV, **headers: str) -> Row:
    sent = {**MONITOR, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Row(rule, "POST", "/nodes/node_1/listen/chunk", status, body, sent)


def event(rule: str, status: int, /, **members: Any) -> Row:
    return Row(rule, "POST", "/nodes/node_1/health-events", status, {**EVENT, **members})


def job(rule: str, call: str, given: str, status: int, method: str = "POST") -> Row:
    path = f"/recording-jobs/{{job}}/{call}".rstrip("/")
    return Row(rule, method, path, status, given=given)


def put(rule: str, given: str, status: int, query: str = "", **more: Any) -> Row:
    headers = {name.replace("_", "-"): text for name, text in more.items() if name != "body"}
    path = f"/recordings/{{recording}}/cache-file{query}"
    return Row(rule, "PUT", path, status, more.get("body", b"sound"), headers, given)


SCOPE = [
    Row("2.2 no token", "GET", "/nodes/node_1/config", 401, token=None),
    Row("2.2 unknown token", "GET", "/nodes/node_1/config", 401, token="rakkr_node_nobody"),
    Row("2.2 operator token on a node route", "GET", "/nodes/node_1/config", 401, token="operator"),
    Row("2.2 node token on an operator route", "GET", "/solo/recordings", 401),
    Row("2.2 another node", "GET", "/nodes/node_2/config", 403),
    Row("2.2 another node that does not exist", "GET", "/nodes/node_9/config", 403),
    Row("2.2 job of another node", "GET", "/recording-jobs/{job}", 403, given="foreign"),
    Row("2.2 unknown job", "GET", "/recording-jobs/job_none", 404),
    Row("2.2 job without token", "GET", "/recording-jobs/{job}", 401, token="nobody"),
    Row("3 unknown route", "GET", "/nothing", 404),
    Row("4 there is no completed route", "POST", "/recording-jobs/{job}/completed", 404),
]

HEARTBEATS = [
    beat("5.1 smallest body", 202),
    beat("5.1 unknown members are ignored", 202, interfaces="whatever", tags=1),
    beat("5.1 unknown backend", 400, runtime={"audioBackends": ["oss"]}),
    beat("5.1 known backends", 202, runtime={"audioBackends": ["alsa", "unknown"]}),
    beat("5.1 runtime null", 400, runtime=None),
    beat("5.1 kernel null", 400, runtime={"kernelRelease": None}),
    beat("5.1 uptime float", 400, runtime={"uptimeSeconds": 1.5}),
    beat("5.1 uptime integer", 202, runtime={"uptimeSeconds": 1}),
    beat("5.1 17 addresses are cut to 16", 202, ipAddresses=["10.0.0.1"] * 17),
    beat("5.1 blank host name", 400, hostname="  "),
    beat("5.1 host name of 255", 202, hostname="h" * 255),
    beat("5.1 host name of 256", 400, hostname="h" * 256),
    beat("5.1 unknown status", 400, status="busy"),
    beat("2.3 NUL in the host name", 503, hostname="a\0b"),
    beat("2.3 lone surrogate in runtime", 503, runtime={"osName": "\udc80"}),
    Row("1 malformed JSON is an empty object", "POST", "/nodes/node_1/heartbeat", 400, b"{"),
    Row(
        "1 NaN is no JSON",
        "POST",
        "/nodes/node_1/heartbeat",
        400,
        b'{"agentVersion":"1","hostname":"h","x":NaN}',
    ),
    Row(
        "1 gzip is not decoded",
        "POST",
        "/nodes/node_1/heartbeat",
        400,
        b"\x1f\x8b\x08\x00",
        {"content-encoding": "gzip"},
    ),
    Row(
        "1 the content type of JSON is not looked at",
        "POST",
        "/nodes/node_1/heartbeat",
        202,
        HEARTBEAT,
        {"content-type": "text/plain"},
    ),
]

INVENTORIES = [
    report("5.2 example", 202, backend="alsa", sampleRates=[48000], systemRef="hw:CARD=XUSB,DEV=0"),
    report("5.2 unknown backend", 400, backend="oss"),
    report("5.2 channelCount as text", 202, channelCount="32"),
    report("5.2 channelCount null is 0", 202, channelCount=None),
    report("5.2 channelCount 256", 202, channelCount=256),
    report("5.2 channelCount 257", 400, channelCount=257),
    report("5.2 17 rates", 400, sampleRates=[48000] * 17),
    report("5.2 16 rates", 202, sampleRates=[48000] * 16),
    report("5.2 rate with a fraction", 400, sampleRates=[48000.5]),
    report("5.2 rate as text", 202, sampleRates=["48000"]),
    report("5.2 serial null", 400, serialNumber=None),
    report("2.3 NUL", 503, alias="a\0b"),
    report("2.3 lone surrogate", 202, alias="\udc80"),
    Row(
        "5.2 65 interfaces",
        "POST",
        "/nodes/node_1/inventory",
        400,
        {"interfaces": [INTERFACE] * 65},
    ),
    Row(
        "5.2 64 interfaces",
        "POST",
        "/nodes/node_1/inventory",
        202,
        {"interfaces": [INTERFACE] * 64},
    ),
    Row("5.2 empty body", "POST", "/nodes/node_1/inventory", 202, b""),
    Row("5.2 unparsable body", "POST", "/nodes/node_1/inventory", 202, b"{{"),
]

METERS = [
    frame("5.3 Z", 202),
    frame("5.3 offset", 202, capturedAt="2026-01-02T03:04:05+00:00"),
    frame("5.3 naive", 202, capturedAt="2026-01-02T03:04:05"),
    frame("5.3 no date", 400, capturedAt="soon"),
    frame("5.3 another node", 403, nodeId="node_2"),
    frame("5.3 empty", 202, levels=[]),
    frame("5.3 512 levels", 202, levels=[LEVEL] * 512),
    frame("5.3 513 levels", 400, levels=[LEVEL] * 513),
    frame("5.3 unknown members are dropped", 202, extra=1),
    level("5.3 peak of -160", 202, peakDbfs=-160),
    level("5.3 peak of -161", 400, peakDbfs=-161),
    level("5.3 rms of 24", 202, rmsDbfs=24),
    level("5.3 rms of 25", 400, rmsDbfs=25),
    level("5.3 quality null", 400, quality=None),
    level("5.3 channel 0", 400, channelIndex=0),
    quality("5.3 quality", 202),
    quality("5.3 crest of 80", 202, crestFactorDb=80),
    quality("5.3 crest of 81", 400, crestFactorDb=81),
    quality("5.3 correlation null", 400, channelCorrelation=None),
    quality(
        "5.3 correlation",
        202,
        channelCorrelation={"peerChannelIndex": 2, "phase": "inverted", "score": -1},
    ),
]

MONITORS = [
    listen("5.4 parameters of the type are ignored", 202, content_type="Audio/WAV; rate=16000"),
    listen("5.4 another type", 400, content_type="audio/x-wav"),
    listen("5.4 duration with a fraction", 400, x_rakkr_duration_ms="1000.5"),
    listen("5.4 duration of 10000", 202, x_rakkr_duration_ms="10000"),
    listen("5.4 duration of 10001", 400, x_rakkr_duration_ms="10001"),
    listen("5.4 captured in Z", 202, x_rakkr_captured_at="2026-01-02T03:04:05.123456789Z"),
    listen("5.4 captured with an offset", 400, x_rakkr_captured_at="2026-01-02T03:04:05+00:00"),
    listen("5.4 43 bytes", 400, bytes(43)),
    listen("5.4 44 bytes", 202, bytes(44)),
    listen("5.4 524288 bytes", 202, bytes(524_288)),
    listen("5.4 524289 bytes", 413, bytes(524_289)),
]

EVENTS = [
    event("5.6 smallest", 201),
    event("5.6 unknown member nodeId", 400, nodeId="node_1"),
    event("5.6 unknown member jobId", 400, jobId="job_1"),
    event("5.6 controller's own type", 400, type="controller.up"),
    event("5.6 watchdog's own type", 400, type="watchdog.up"),
    event("5.6 any other type", 201, type="something.else"),
    event("5.6 severity error", 400, severity="error"),
    event("5.6 details null", 400, details=None),
    event("5.6 details a list", 400, details=[]),
    event("5.6 opened with an offset", 201, openedAt="2026-01-02T03:04:05+00:00"),
    event("5.6 opened never", 400, openedAt="never"),
    event("5.6 unknown recording", 404, recordingId="rec_none"),
    event("5.6 recording null", 400, recordingId=None),
    event("5.6 unknown schedule", 404, scheduleId="sched_none"),
    event("2.3 NUL in details", 201, details={"a": "\0"}),
    event("2.3 lone surrogate in details", 201, details={"a": "\udc80"}),
    Row(
        "5.6 recording of another node",
        "POST",
        "/nodes/node_1/health-events",
        403,
        {**EVENT, "recordingId": "{recording}"},
        given="foreign",
    ),
]

NODE_JOBS = "/nodes/node_1/recording-jobs"
JOBS = [
    Row("6.1 a group", "POST", f"{NODE_JOBS}/claim-next-group", 200),
    Row("6.1 nothing", "POST", f"{NODE_JOBS}/claim-next-group", 204, given="running"),
    Row(
        "9.1 stopped in the queue", "POST", f"{NODE_JOBS}/claim-next", 204, given="stopped_in_queue"
    ),
    Row("6.2 peek", "GET", f"{NODE_JOBS}/next", 200),
    Row("6.2 peek at nothing", "GET", f"{NODE_JOBS}/next", 204, given="running"),
    job("6.2 claim", "claim", "queued", 200),
    job("6.2 claim one that runs", "claim", "running", 409),
    job("6.3 heartbeat", "heartbeat", "running", 200),
    job("6.3 heartbeat before the claim", "heartbeat", "queued", 409),
    job("6.3 heartbeat after a stop", "heartbeat", "stop_requested", 409),
    job("6.3 heartbeat of another node", "heartbeat", "foreign", 403),
    job("6.4 read", "", "running", 200, "GET"),
    job("6.6 fail in the queue", "failed", "queued", 200),
    job("6.6 fail", "failed", "running", 200),
    job("6.6 fail after a stop", "failed", "stop_requested", 200),
    job("6.6 fail again", "failed", "failed", 200),
    job("6.6 fail a cancelled one", "failed", "cancelled", 404),
    job("6.6 fail a completed one", "failed", "completed", 404),
    job("6.6 cancel in the queue", "cancelled", "queued", 200),
    job("6.6 cancel", "cancelled", "running", 200),
    job("6.6 cancel after a stop", "cancelled", "stop_requested", 200),
    job("6.6 cancel a failed one", "cancelled", "failed", 404),
    job("6.6 cancel again", "cancelled", "cancelled", 200),
    job("6.6 cancel a completed one", "cancelled", "completed", 404),
]

UPLOADS = [
    Row("7.2 unknown recording", "PUT", "/recordings/rec_none/cache-file", 404, b"x"),
    put("7.2 recording of another node", "foreign", 403),
    put("7.1 empty", "running", 400, body=b""),
    put("7.2 as large as can be", "running", 201, body=bytes(1 << 20)),
    put("7.2 larger", "running", 413, body=bytes((1 << 20) + 1)),
    put("9.4 into the queue", "queued", 201),
    put("7.4 running", "running", 201),
    put("9.3 inside the stop window", "stop_requested", 201),
    put("7.4 again after completion", "completed", 201),
    put("7.4 raw after completion", "completed", 201, "?rendition=raw"),
    put("9.4 failed, without a job", "failed", 409),
    put("9.4 failed, with the job", "failed", 409, x_rakkr_recording_job_id="{job}"),
    put("9.4 failed, raw", "failed", 409, "?rendition=raw"),
    put("7.1 cancelled, with the job", "cancelled", 409, x_rakkr_recording_job_id="{job}"),
    put("7.1 cancelled, without a job", "cancelled", 409),
    put("7.1 completed job", "completed", 201, x_rakkr_recording_job_id="{job}"),
    put("7.1 unknown job", "running", 404, x_rakkr_recording_job_id="job_none"),
    put("7.1 job of another node", "running", 403, x_rakkr_recording_job_id="{foreign_job}"),
    put("7.1 job of another recording", "running", 403, x_rakkr_recording_job_id="{other_job}"),
    put("7.1 negative duration", "running", 400, x_rakkr_duration_seconds="-1"),
    put("7.1 duration NaN", "running", 400, x_rakkr_duration_seconds="NaN"),
    put("7.1 duration 0", "running", 201, x_rakkr_duration_seconds="0"),
    put("7.1 chunk -1", "running", 400, "?chunk=-1"),
    put("7.1 chunk 1.5", "running", 400, "?chunk=1.5"),
    put("7.1 empty chunk is 0", "running", 201, "?chunk="),
    put("7.1 bad total is ignored", "running", 201, "?chunk=0&chunkTotal=zero"),
    put("7.1 unknown rendition is primary", "running", 201, "?rendition=Raw"),
    put("7.5 late chunk", "completed", 201, "?chunk=3"),
]


class AcceptanceTests(SynchronousTestCase):
    """Each row is asked of a controller of its own."""

    def check(self, rows: list[Row]) -> None:
        wrong = []
        for row in rows:
            desk = Desk(self)
            recording, made = desk.make(row.given)
            names = {"recording": recording, "job": made}
            if "foreign_job" in str(row.headers):
                names["foreign_job"] = desk.make("foreign")[1]
            if "other_job" in str(row.headers):
                names["other_job"] = desk.make("running")[1]
            body = row.body
            if isinstance(body, dict) and body.get("recordingId") == "{recording}":
                body = {**body, "recordingId": recording}
            headers = {name: text.format(**names) for name, text in row.headers.items()}
            path = row.path.format(**names)
            reply = desk.agent(row.method, path, body, headers=headers, token=row.token)
            if reply.status != row.status:
                wrong.append((row.rule, row.status, reply.status, reply.content[:200]))
        self.assertEqual(wrong, [])

    def test_scope(self) -> None:
        """Tokens, nodes and unknown things are told apart as in section 2."""
        self.check(SCOPE)

    def test_heartbeats(self) -> None:
        """Heartbeats are taken and refused as in section 5.1."""
        self.check(HEARTBEATS)

    def test_inventories(self) -> None:
        """Inventories are taken and refused as in section 5.2."""
        self.check(INVENTORIES)

    def test_meters(self) -> None:
        """Meter frames are taken and refused as in section 5.3."""
        self.check(METERS)

    def test_monitor(self) -> None:
        """Live sound is taken and refused as in section 5.4."""
        self.check(MONITORS)

    def test_events(self) -> None:
        """Health events are taken and refused as in section 5.6."""
        self.check(EVENTS)

    def test_jobs(self) -> None:
        """Job calls succeed and fail by the job's state as in section 6."""
        self.check(JOBS)

    def test_uploads(self) -> None:
        """Uploads are let in and refused as in section 7."""
        self.check(UPLOADS)
