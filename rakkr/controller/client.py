"""The controller as the agent sees it: one coroutine per endpoint, typed answers, named errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from rakkr.clock import WallTime
from rakkr.controller import decode
from rakkr.controller.address import ControllerAddress
from rakkr.controller.calls import Calls, data_of, optional_of
from rakkr.controller.errors import ControllerError
from rakkr.controller.interface import IController
from rakkr.controller.messages import (
    ChannelMapAssignment,
    ClaimedGroup,
    Job,
    Node,
    NodeConfig,
    Receipt,
)
from rakkr.controller.sanitise import encode, header_text
from rakkr.controller.skew import SkewEstimate, measure_skew
from rakkr.controller.token import TokenSource
from rakkr.controller.transport import Answer, Timeouts, bytes_body, make_transport
from rakkr.controller.trust import Trust
from rakkr.controller.upload import Progress, Sending, Upload
from rakkr.stamps import format_stamp
from rakkr.threads import InThread


@implementer(IController)
class ControllerClient:
    """
    A controller over HTTP; :class:`IController` says what its coroutines raise.

    Nothing is retried but over a socket that was dead already: when to try again is the
    caller's decision.

    :ivar node_id: the node that this is.
    """

    log = Logger()

    def __init__(
        self,
        wall: WallTime,
        calls: Calls,
        close: Callable[[], Deferred[None]],
        *,
        node_id: str,
        in_thread: InThread,
    ) -> None:
        """
        Put a client together.

        :param close: closes the connections that are kept.
        """
        self._wall = wall
        self._calls = calls
        self._close = close
        self._in_thread = in_thread
        self._skew = SkewEstimate()
        self.node_id = node_id

    def close(self) -> Deferred[None]:
        """Close the connections that are kept for reuse; fires when they are gone."""
        return self._close()

    async def heartbeat(self, body: Mapping[str, Any]) -> Node:
        """Say that the node lives, and measure the controller's clock against ours."""
        try:
            answer = await self._node("POST", "heartbeat", label="node heartbeat", json=body)
        except ControllerError:
            self._skew.forget()
            raise
        skew = measure_skew(answer.date, self._wall.now(), answer.round_trip)
        if skew is not None:
            self._wall.skew_seconds = self._skew.measured(skew)
        return decode.decode_node(data_of(answer, "node heartbeat"))

    async def post_inventory(self, interfaces: Sequence[Mapping[str, Any]]) -> Node:
        """Report the node's interfaces; an empty list marks every one of them absent."""
        label = "node inventory"
        body = {"interfaces": list(interfaces)}
        data = data_of(await self._node("POST", "inventory", label=label, json=body), label)
        return decode.decode_node(data.get("node") if isinstance(data, dict) else None)

    async def post_meter_frame(self, frame: Mapping[str, Any]) -> None:
        """Post measured levels."""
        await self._node("POST", "meter-frame", label="meter frame", json=frame)

    async def post_monitor_chunk(
        self,
        wav: bytes,
        *,
        duration_ms: int,
        captured_at: float | None = None,
        enhanced: bool = False,
    ) -> None:
        """
        Post live audio.

        :param wav: a WAV file of 44 to 524 288 bytes.
        :param captured_at: our wall time of its capture; it is sent as the controller's, which
            drops what differs from its own by five seconds.
        """
        headers = {"content-type": "audio/wav", "x-rakkr-duration-ms": str(duration_ms)}
        if captured_at is not None:
            moment = captured_at + (self._wall.skew_seconds or 0.0)
            headers["x-rakkr-captured-at"] = format_stamp(moment)
        await self._calls.ask(
            "POST",
            self._calls.address.join(
                "nodes", self.node_id, "listen", "chunk", rendition="enhanced" if enhanced else None
            ),
            label="monitor chunk",
            headers=headers,
            make_body=bytes_body(wav),
        )

    async def node_config(self) -> NodeConfig:
        """Ask for the live configuration of the node; the first answer tells the skew, too."""
        label = "node config request"
        answer = await self._node("GET", "config", label=label)
        if self._wall.skew_seconds is None:
            skew = measure_skew(answer.date, self._wall.now(), answer.round_trip)
            self._wall.skew_seconds = skew
        return decode.decode_config(data_of(answer, label))

    async def post_health_event(self, event: Mapping[str, Any]) -> None:
        """Post one health event; posting it twice opens it twice."""
        await self._node("POST", "health-events", label="health event", json=event, nulls=True)

    async def channel_map_assignments(self) -> list[ChannelMapAssignment]:
        """Ask for the channel maps of the node and its interfaces, the newest first."""
        label = "channel map assignment request"
        answer = await self._node("GET", "channel-map-assignments", label=label)
        assignments, problems = decode.decode_assignments(data_of(answer, label))
        for problem in problems:
            self.log.warn("a channel map was left out: {problem}", problem=problem)
        return assignments

    async def claim_next_group(self) -> ClaimedGroup | None:
        """Claim the jobs that are next; call it again only when it has returned."""
        answer = await self._claim("POST", "claim-next-group", label="next job group claim")
        return optional_of(answer, "next job group claim", decode.decode_group)

    async def claim_next(self) -> Job | None:
        """Claim the single job that is next."""
        answer = await self._claim("POST", "claim-next", label="next job claim")
        return optional_of(answer, "next job claim", decode.decode_job)

    async def peek_next(self) -> Job | None:
        """Look at the job that is next; nobody is kept from claiming it."""
        answer = await self._claim("GET", "next", label="next job request")
        return optional_of(answer, "next job request", decode.decode_job)

    async def claim(self, job_id: str) -> Job:
        """Claim one job; 409 says that it is queued no longer."""
        return await self._job("POST", job_id, "claim", label="job claim")

    async def heartbeat_job(self, job_id: str) -> Job:
        """Renew a job's lease; 409 says that it is running no longer: ask for it."""
        return await self._job("POST", job_id, "heartbeat", label="job heartbeat")

    async def get_job(self, job_id: str) -> Job:
        """Ask for a job."""
        return await self._job("GET", job_id, label="job status request")

    async def mark_cancelled(self, job_id: str, reason: str) -> Job:
        """End a job as cancelled; after 404 or no answer, ask for it before anything else."""
        return await self._end_job(job_id, "cancelled", reason)

    async def mark_failed(self, job_id: str, reason: str) -> Job:
        """End a job as failed; after 404 or no answer, ask for it before anything else."""
        return await self._end_job(job_id, "failed", reason)

    async def upload_cache_file(
        self, recording_id: str, upload: Upload, progress: Progress | None = None
    ) -> Receipt:
        """
        Upload a file, and see that the controller has exactly these bytes.

        :raises UnsendableFile: for a file that is missing, empty, unreadable or changing.
        :raises WrongReceipt: when the controller acknowledges other bytes.
        """
        sending = Sending(upload, self._in_thread, progress)
        answer = await self._calls.ask(
            "PUT",
            self._calls.address.join("recordings", recording_id, "cache-file", **upload.query()),
            label="cache file",
            headers=upload.headers(),
            make_body=sending.open_body,
            seconds=self._calls.timeouts.upload,
            stall=self._calls.timeouts.stall,
        )
        receipt = decode.decode_receipt(data_of(answer, "cache file"))
        sending.check(receipt)
        return receipt

    async def _node(
        self,
        method: str,
        *path: str,
        label: str,
        json: Mapping[str, Any] | None = None,
        nulls: bool = False,
    ) -> Answer:
        has_body = json is not None
        return await self._calls.ask(
            method,
            self._calls.address.join("nodes", self.node_id, *path),
            label=label,
            headers={"content-type": "application/json"} if has_body else {},
            make_body=bytes_body(encode(json, nulls=nulls)) if has_body else None,
        )

    async def _claim(self, method: str, what: str, *, label: str) -> Answer:
        url = self._calls.address.join("nodes", self.node_id, "recording-jobs", what)
        return await self._calls.ask(method, url, label=label, seconds=self._calls.timeouts.claim)

    async def _job(self, method: str, job_id: str, *path: str, label: str, **more: Any) -> Job:
        url = self._calls.address.join("recording-jobs", job_id, *path)
        seconds = self._calls.timeouts.job
        answer = await self._calls.ask(method, url, label=label, seconds=seconds, **more)
        return decode.decode_job(data_of(answer, label))

    async def _end_job(self, job_id: str, how: str, reason: str) -> Job:
        said = header_text(reason)
        headers = {"x-rakkr-reason": said} if said else {}
        return await self._job("POST", job_id, how, label="job terminal update", headers=headers)


def make_client(
    reactor: Any,
    wall: WallTime,
    address: ControllerAddress,
    token: TokenSource,
    trust: Trust,
    *,
    node_id: str,
    timeouts: Timeouts,
    in_thread: InThread,
) -> ControllerClient:
    """
    Make a client over real sockets.

    :param reactor: for TCP and time; its ``seconds()`` must be monotonic.
    :param in_thread: runs short blocking work, ``deferToThreadPool`` with its reactor and pool.
    """
    transport = make_transport(
        reactor, trust, token, node_id=node_id, connect_seconds=timeouts.connect
    )
    calls = Calls(address, transport, timeouts)
    return ControllerClient(wall, calls, transport.close, node_id=node_id, in_thread=in_thread)
