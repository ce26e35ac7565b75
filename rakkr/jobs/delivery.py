"""From a strip of captured audio to an accepted upload."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from twisted.application.internet import backoffPolicy
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.strip import Strip
from rakkr.durable import is_full, reserve
from rakkr.health.event import Severity
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease
from rakkr.jobs.parts import Part, chunk_file_name
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.records import Rendered as RenderedRecord
from rakkr.jobs.sending import Deliverable, Sending, size_of
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.render.errors import RendererMissing, RenderError, RenderFailed
from rakkr.render.plan import needs_render
from rakkr.render.runner import Rendered

_RENDER_TRIES: Final = 5
_WAIT_SECONDS: Final = 5.0


class NotRendered(Exception):
    """
    The delivered file could not be made; the captured audio is where it was.

    :ivar disk_full: whether the disk had no room for it.
    """

    def __init__(self, why: str, *, disk_full: bool = False) -> None:
        super().__init__(why)
        self.disk_full = disk_full


class Delivery:
    """Renders and uploads the parts of one job's recording."""

    log = Logger()

    def __init__(self, place: Workplace, plan: MemberPlan, lease: Lease, journal: Journal) -> None:
        self._place = place
        self._plan = plan
        self._lease = lease
        self._journal = journal
        self._evidence = JobEvidence(place.evidence, plan.job)
        self._told: set[int] = set()
        self.sending = Sending(place, plan, lease, journal)

    def file_name(self, part: Part) -> str:
        """What the controller is told of a part's name."""
        name = self._plan.job.command.output_file_name
        return name if part.chunk is None else chunk_file_name(name, part.chunk)

    async def render(self, part: Part, strip: Strip, directory: Path) -> Deliverable:
        """
        Make the file that the job asked for.

        A render that failed for no reason of the disk is tried again: its program may have been
        killed.

        :raises NotRendered: with the reason, after the event was reported.
        """
        plan = self._plan.render
        whole = strip.whole_file()
        if whole is not None and not needs_render(plan, strip):
            return Deliverable(whole.path, plan.content_type, strip.seconds, own_file=False)
        if part.chunk is None:  # a chunk makes room when it is delivered
            await self._wait_for_room()
        name = self._plan.file_name
        if part.chunk is not None:
            name = chunk_file_name(name, part.chunk)
        earlier = self._journal.remembered.rendered.get(part.number)
        if earlier is not None:  # an agent before us had no time to send it
            await self._place.in_thread(_remove, earlier.path)
        target = await self._reserve(part, strip, directory / name)
        rendered = await self._try(part, strip, target)
        await self._journal.note(
            RenderedRecord(
                part.number,
                rendered.path,
                rendered.content_type,
                rendered.seconds,
                rendered.frames,
                part.chunk,
            )
        )
        return Deliverable(
            rendered.path,
            rendered.content_type,
            rendered.seconds,
            own_file=True,
            source=next((each.audio.path for each in strip.pieces if each.audio is not None), None),
        )

    async def _reserve(self, part: Part, strip: Strip, wished: Path) -> Path:
        try:
            return await self._place.in_thread(reserve, wished)
        except OSError as error:
            full = is_full(error)
            self._failed(part, self._render_facts(strip, wished), error, full=full)
            raise NotRendered(str(error), disk_full=full) from error

    async def _wait_for_room(self) -> None:
        """Let captures have the disk, unless somebody waits for the file."""
        while not self._place.disk.may_render() and self._lease.standing.deliver_before is None:
            await deferLater(self._place.clock, _WAIT_SECONDS)

    async def _try(self, part: Part, strip: Strip, target: Path) -> Rendered:
        pause = backoffPolicy(initialDelay=0.5, maxDelay=10.0, jitter=self._place.random)
        facts = self._render_facts(strip, target)
        attempt = 0
        try:
            while True:
                try:
                    rendered: Rendered = await self._place.renders.run(
                        self._place.render, plan=self._plan.render, strip=strip, target=target
                    )
                except (RenderError, OSError) as error:
                    attempt += 1
                    full = isinstance(error, RenderFailed) and error.disk_full
                    hopeless = isinstance(error, RendererMissing) or not isinstance(
                        error, RenderFailed | OSError
                    )
                    if full or hopeless or attempt >= _RENDER_TRIES:
                        self._failed(part, facts, error, full=full)
                        raise NotRendered(str(error), disk_full=full) from error
                    self.log.warn("{path} is rendered again: {why}", path=target, why=str(error))
                    await deferLater(self._place.clock, pause(attempt - 1))
                else:
                    if part.chunk is None:
                        self._evidence.emit("output_rendered", "info", facts)
                    return rendered
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _failed(self, part: Part, facts: dict[str, Any], error: Exception, *, full: bool) -> None:
        if part.chunk is None:
            severity: Severity = "warning" if full else "critical"
            more = {"error": str(error), "rawOutputBytes": size_of(facts["rawOutputPath"])}
            self._evidence.emit("output_render_failed", severity, {**facts, **more})
            return
        if part.number in self._told:
            return  # it is tried again and again
        self._told.add(part.number)
        self._evidence.emit(
            "chunk_render_failed",
            "warning",
            {
                "chunkIndex": part.chunk,
                "error": str(error),
                "rawOutputPath": facts["rawOutputPath"],
            },
        )

    def _render_facts(self, strip: Strip, target: Path) -> dict[str, Any]:
        files = [str(piece.audio.path) for piece in strip.pieces if piece.audio is not None]
        return {
            "channelMap": self._plan.channel_map and self._plan.channel_map.details(),
            "outputBitrateKbps": self._plan.render.bitrate_kbps,
            "outputCodec": self._plan.render.codec,
            "outputVbr": self._plan.render.vbr,
            "rawOutputPath": files[0] if files else None,
            "renderCommand": self._place.live.current.channel_render_command,
            "renderedOutputPath": str(target),
        }


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it only takes room
        path.unlink(missing_ok=True)
