"""A controller in memory, the calls that tests make to it, and jobs in every state."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from treq.testing import StubTreq
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.tokens import digest
from tests.solo.memory import memory_solo

START = 1_700_000_000.25


@attrs.frozen
class Reply:
    """An answer that came as a whole."""

    status: int
    content: bytes
    headers: Any

    @property
    def data(self) -> Any:
        return json.loads(self.content)["data"]

    @property
    def error(self) -> str:
        return str(json.loads(self.content)["error"])


class Desk:
    """One controller on a clock that stands still until it is told to go."""

    def __init__(self, case: SynchronousTestCase, *, maximum_upload: int = 1 << 20) -> None:
        kept = tempfile.TemporaryDirectory()
        case.addCleanup(kept.cleanup)
        self._case = case
        self.directory = Path(kept.name)
        self.clock = Clock()
        self.clock.advance(START)
        self.solo = memory_solo(
            directory=self.directory, now=self.clock.seconds, maximum_upload=maximum_upload
        )
        case.addCleanup(self.solo.controller.store.close)
        self._treq: Any = StubTreq(self.solo.resource)
        self.solo.controller.nodes.enrol("node_2", digest("rakkr_node_other"))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "node",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make a request; ``token`` is node, other, operator, none, or a token."""
        known = {
            "node": self.solo.node_token,
            "other": "rakkr_node_other",
            "operator": self.solo.operator_token,
        }
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {known.get(token, token)}"
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        requested = self._treq.request(
            method, f"http://solo/{path.lstrip('/')}", data=content, headers=sent
        )
        self._treq.flush()
        response = self._case.successResultOf(requested)
        read = self._case.successResultOf(response.content())
        return Reply(response.code, read, response.headers)

    def agent(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """A request of the node."""
        return self.call(method, f"api/v1{path}", body, **more)

    def operator(self, method: str, path: str, body: Any = None) -> Reply:
        """A request of a person."""
        return self.call(method, f"api/v1/solo{path}", body, token="operator")

    def order(self, **wishes: Any) -> tuple[str, str]:
        """Queue a recording; its id and its job's."""
        made = self.operator("POST", "/recordings", {"durationSeconds": 10, **wishes}).data
        return made["recording"]["id"], made["job"]["id"]

    def upload(
        self, recording: str, body: bytes = b"sound", query: str = "", **headers: str
    ) -> Reply:
        """Upload a file; header names as keywords, underscores for dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.agent("PUT", f"/recordings/{recording}/cache-file{query}", body, headers=sent)

    def make(self, state: str) -> tuple[str, str]:
        """A recording whose only job is in this state."""
        node = "node_2" if state == "foreign" else "node_1"
        recording, job = self.order(nodeId=node)
        if state not in {"queued", "foreign", "stopped_in_queue"}:
            self.agent("POST", f"/recording-jobs/{job}/claim")
        if state in {"stop_requested", "stopped_in_queue"}:
            self.operator("POST", f"/recordings/{recording}/stop")
        if state in {"failed", "cancelled"}:
            self.agent("POST", f"/recording-jobs/{job}/{state}")
        if state == "completed":
            self.upload(recording)
        return recording, job

    def job(self, job: str) -> Any:
        """A job as the agent sees it."""
        return self.agent("GET", f"/recording-jobs/{job}").data

    def recording(self, recording: str) -> Any:
        """A recording as a person sees it."""
        return self.operator("GET", f"/recordings/{recording}").data["recording"]

    def events(self, recording: str) -> list[tuple[str, str]]:
        """Type and severity of a recording's health events, oldest first."""
        found = self.operator("GET", f"/health-events?recordingId={recording}").data
        return [(event["type"], event["severity"]) for event in reversed(found)]
