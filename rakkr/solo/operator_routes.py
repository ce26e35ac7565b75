"""The routes that a person uses, all under ``/api/v1/solo``, and the probes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rakkr.solo import schemas
from rakkr.solo.admission import Refused, read_chunk
from rakkr.solo.controller import SoloController
from rakkr.solo.exchange import NOTHING, Answer, Call, Route, data
from rakkr.solo.recordings import Pair
from rakkr.solo.records import job_wire

BASE = "/api/v1/solo"


class OperatorRoutes:
    """The operator's side of the controller."""

    def __init__(self, controller: SoloController) -> None:
        self._controller = controller
        self._nodes = controller.nodes
        self._signals = controller.signals
        self._recordings = controller.recordings

    def table(self) -> list[Route]:
        """Every route of an operator."""
        recording, node = f"{BASE}/recordings/:recordingId", f"{BASE}/nodes/:nodeId"
        routes: list[tuple[str, str, Callable[[Call], Answer]]] = [
            ("POST", f"{BASE}/recordings", self.order),
            ("GET", f"{BASE}/recordings", self.all),
            ("GET", recording, self.one),
            ("POST", f"{recording}/stop", self.stop),
            ("POST", f"{recording}/retry", self.retry),
            ("GET", f"{recording}/file", self.file),
            ("GET", f"{BASE}/health-events", self.events),
            ("GET", f"{BASE}/nodes", self.nodes),
            ("GET", f"{node}/config", self.config),
            ("PUT", f"{node}/config", self.configure),
            ("GET", f"{node}/channel-map-assignments", self.assignments),
            ("PUT", f"{node}/channel-map-assignments", self.assign),
            ("GET", f"{node}/meter-frame", self.meter_frame),
            ("GET", f"{node}/meter-frames", self.meter_frames),
            ("GET", f"{node}/listen/chunk", self.monitor_chunk),
        ]
        return [
            *(Route(method, path, handler, "operator") for method, path, handler in routes),
            Route("GET", "/healthz", _alive, "open"),
            Route("GET", "/readyz", self.ready, "open"),
        ]

    def order(self, call: Call) -> Answer:
        """Queue one recording, or several in one capture."""
        pairs = self._recordings.order(call.checked(schemas.ORDER, "Invalid recording"))
        answer = _pair(pairs[0])
        if isinstance(call.json(), dict) and "members" in call.json():
            answer["members"] = [_pair(pair) for pair in pairs]
        return data(201, answer)

    def all(self, _call: Call) -> Answer:
        """Every recording, newest first."""
        return data(200, [recording.wire() for recording in self._recordings.all()])

    def one(self, call: Call) -> Answer:
        """One recording with its jobs and chunks."""
        recording = self._recordings.one(call.params["recordingId"])
        store = self._controller.store
        answer = {
            "recording": recording.wire(),
            "jobs": [job_wire(job) for job in store.jobs_of(recording.id)],
            "chunks": [chunk.wire() for chunk in store.chunks_of(recording.id)],
        }
        return data(200, answer)

    def stop(self, call: Call) -> Answer:
        """Ask a recording to end."""
        return data(200, _pair(self._recordings.stop(call.params["recordingId"])))

    def retry(self, call: Call) -> Answer:
        """Queue a new job for a recording that failed."""
        return data(201, _pair(self._recordings.retry(call.params["recordingId"])))

    def file(self, call: Call) -> Answer:
        """Download a recording."""
        found = self._recordings.file(
            call.params["recordingId"],
            rendition=call.query("rendition"),
            chunk=read_chunk(call.query("chunk")),
        )
        path = self._recordings.path(found)
        if not path.is_file():
            raise Refused(404, f"The file {found.cache_path} is not there any more")
        return Answer(200, content_type=found.mime_type, file=path, file_name=found.file_name)

    def events(self, call: Call) -> Answer:
        """The newest health events."""
        return data(200, self._nodes.events(call.query("recordingId")))

    def nodes(self, _call: Call) -> Answer:
        """The nodes."""
        return data(200, self._nodes.overview())

    def config(self, call: Call) -> Answer:
        """What a node is told to use."""
        return data(200, self._nodes.config(call.params["nodeId"]))

    def configure(self, call: Call) -> Answer:
        """Change what a node is told to use."""
        changes = call.checked(schemas.NODE_CONFIG, "Invalid node settings")
        return data(200, self._nodes.configure(call.params["nodeId"], changes))

    def assignments(self, call: Call) -> Answer:
        """The channel maps of a node."""
        return data(200, self._nodes.assignments(call.params["nodeId"]))

    def assign(self, call: Call) -> Answer:
        """Replace the channel maps of a node."""
        assigned = call.checked(schemas.ASSIGNMENTS, "Invalid channel map assignments")
        return data(200, self._nodes.assign(call.params["nodeId"], assigned))

    def meter_frame(self, call: Call) -> Answer:
        """The latest levels of a node."""
        latest = self._signals.latest_meter(call.params["nodeId"])
        return NOTHING if latest is None else data(200, latest)

    def meter_frames(self, call: Call) -> Answer:
        """The levels of a node, the newest first, as far back as they are kept."""
        return data(200, self._signals.meters(call.params["nodeId"]))

    def monitor_chunk(self, call: Call) -> Answer:
        """The latest live sound of a node."""
        slot = "enhanced" if call.query("rendition") == "enhanced" else "raw"
        latest = self._signals.latest_monitor(call.params["nodeId"], slot)
        if latest is None:
            return NOTHING
        about = {
            "x-rakkr-captured-at": latest.captured_at,
            "x-rakkr-duration-ms": str(latest.duration_ms),
            "x-rakkr-received-at": latest.received_at,
        }
        return Answer(200, latest.wav, "audio/wav", headers=about)

    def ready(self, _call: Call) -> Answer:
        """Whether the database answers."""
        if not self._controller.store.alive():
            raise Refused(503, "The database does not answer")
        return data(200, {"status": "ready"})


def _alive(_call: Call) -> Answer:
    return data(200, {"status": "ok"})


def _pair(pair: Pair) -> dict[str, Any]:
    recording, job = pair
    return {"recording": recording.wire(), "job": job_wire(job)}
