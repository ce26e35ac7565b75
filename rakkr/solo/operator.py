"""What a person does with the built-in controller, as calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.http_headers import Headers


class OperatorRefused(Exception):
    """The controller did not do what was asked; the message holds its answer."""


class RecordingFailed(Exception):
    """A recording ended otherwise than it should; the message says how."""


@attrs.frozen
class Download:
    """A recording that was fetched."""

    path: Path
    bytes: int
    sha256: str


@attrs.frozen
class Heard:
    """
    A piece of live sound.

    :ivar wav: a whole WAV file.
    :ivar captured_at: when it begins, as the node's controller was told.
    """

    wav: bytes
    captured_at: str


@attrs.frozen
class Operator:
    """
    Calls under ``/api/v1/solo``; see ``docs/solo.md``.

    :ivar http: trusts the controller's authority.
    :ivar url: the controller's base URL.
    """

    http: HTTPClient
    url: str
    token: str
    clock: IReactorTime

    async def queue(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """
        Queue a recording.

        :param wish: the body of ``POST /api/v1/solo/recordings``.
        :returns: ``recording`` and ``job`` (and ``members`` for a group).
        """
        queued: dict[str, Any] = await self._call("POST", "recordings", wish)
        return queued

    async def recording(self, recording_id: str) -> dict[str, Any]:
        """Read a recording: ``recording``, ``jobs`` (the oldest first), ``chunks``."""
        found: dict[str, Any] = await self._call("GET", f"recordings/{recording_id}")
        return found

    async def recordings(self) -> list[dict[str, Any]]:
        """List all recordings, the newest first."""
        found: list[dict[str, Any]] = await self._call("GET", "recordings")
        return found

    async def stop(self, recording_id: str) -> dict[str, Any]:
        """Ask for the end of a recording."""
        stopped: dict[str, Any] = await self._call("POST", f"recordings/{recording_id}/stop")
        return stopped

    async def retry(self, recording_id: str) -> dict[str, Any]:
        """
        Queue a new job with the old command for a recording whose last job gave up.

        :returns: ``recording`` and ``job``; the recording keeps its id.
        :raises OperatorRefused: when its last job did not give up.
        """
        retried: dict[str, Any] = await self._call("POST", f"recordings/{recording_id}/retry")
        return retried

    async def health_events(self) -> list[dict[str, Any]]:
        """List the events, the newest first."""
        found: list[dict[str, Any]] = await self._call("GET", "health-events")
        return found

    async def nodes(self) -> list[dict[str, Any]]:
        """List the nodes."""
        found: list[dict[str, Any]] = await self._call("GET", "nodes")
        return found

    async def configure(self, node_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Set what a node is told in its config."""
        told: dict[str, Any] = await self._call("PUT", f"nodes/{node_id}/config", config)
        return told

    async def meter_frames(self, node_id: str) -> list[dict[str, Any]]:
        """List the levels of a node that are kept, the newest first."""
        found: list[dict[str, Any]] = await self._call("GET", f"nodes/{node_id}/meter-frames")
        return found

    async def listen(self, node_id: str) -> Heard | None:
        """Fetch the last piece of a node's live sound; None when there is none yet."""
        answer = await self.http.get(
            f"{self.url}/api/v1/solo/nodes/{node_id}/listen/chunk", headers=self._headers()
        )
        if answer.code != 200:  # noqa: PLR2004
            await answer.content()
            return None
        wav: bytes = await answer.content()
        stamps = answer.headers.getRawHeaders("x-rakkr-captured-at") or [""]
        return Heard(wav, stamps[0])

    async def wait_for(
        self, recording_id: str, *statuses: str, pause: float = 0.1
    ) -> dict[str, Any]:
        """
        Look at a recording again and again until it has one of these statuses.

        :raises RecordingFailed: when it failed and nobody waits for that.
        """
        while True:
            found = await self.recording(recording_id)
            status = found["recording"]["status"]
            if status in statuses:
                return found
            if status == "failed":
                reason = found["jobs"][-1].get("failureReason", "no reason was given")
                raise RecordingFailed(f"recording {recording_id} failed: {reason}")
            await deferLater(self.clock, pause)

    async def download(self, recording_id: str, path: Path) -> Download:
        """Fetch a recording into a file, hashing what comes."""
        answer = await self.http.get(
            f"{self.url}/api/v1/solo/recordings/{recording_id}/file", headers=self._headers()
        )
        if answer.code != 200:  # noqa: PLR2004
            raise OperatorRefused(f"{recording_id}: {answer.code} {await answer.text()}")
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as file:

            def take(data: bytes) -> None:
                nonlocal size
                size += len(data)
                digest.update(data)
                file.write(data)

            await answer.collect(take)
        return Download(path, size, digest.hexdigest())

    def _headers(self) -> Headers:
        bearer = f"Bearer {self.token}"
        return Headers({"Authorization": [bearer], "Content-Type": ["application/json"]})

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(
            method,
            f"{self.url}/api/v1/solo/{path}",
            headers=self._headers(),
            data=None if body is None else json.dumps(body).encode(),
        )
        text: Deferred[str] = answer.text()
        said = await text
        if not 200 <= answer.code < 300:  # noqa: PLR2004
            raise OperatorRefused(f"{method} {path}: {answer.code} {said}")
        return json.loads(said)["data"] if said else None
