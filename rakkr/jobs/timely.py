"""
Rendering while the controller waits only so long.

After a stop a controller takes the upload for 30 seconds (http-api 9.3), and an hour of MP3 takes
longer to encode than that.  So when the render will not be done in time, the audio is secured
first: the same channels as plain WAV, ready in a moment.  The upload completes the job, a completed
job takes a second upload, and the file that was asked for then replaces the first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.strip import Strip
from rakkr.controller.messages import Receipt
from rakkr.durable import reserve
from rakkr.jobs.decisions import Wish
from rakkr.jobs.delivery import Delivery, NotRendered
from rakkr.jobs.lease import Lease
from rakkr.jobs.naming import stem_of
from rakkr.jobs.parts import LARGEST_UPLOAD_BYTES, Part
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.sending import Deliverable, NotUploaded, TooLarge
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import Workplace
from rakkr.moment import Moment
from rakkr.render.errors import RenderError
from rakkr.render.plan import needs_render

MARGIN_SECONDS: Final = 10.0
"""Before the window closes: time to write the WAV, and to begin its upload."""


class TimelyRender:
    """
    One render that must not miss the controller's window.

    :ivar secured: the receipt of the WAV, if it had to be sent.
    """

    log = Logger()

    def __init__(
        self, place: Workplace, plan: MemberPlan, lease: Lease, delivery: Delivery
    ) -> None:
        self._place = place
        self._plan = plan
        self._lease = lease
        self._delivery = delivery
        self._finished = Moment[Deliverable | Exception]()
        self.secured: Receipt | None = None

    async def run(self, part: Part, strip: Strip, directory: Path) -> Deliverable | NotRendered:
        """
        Render, and secure the audio meanwhile if that is needed.

        :returns: the file, or why there is none (reported as an event already).
        """
        rendering = Deferred.fromCoroutine(self._render(part, strip, directory))
        try:
            if self._plan.render.codec != "wav":
                await self._watch(part, strip, directory)
            outcome = await self._finished.when()
        finally:
            rendering.cancel()
        if isinstance(outcome, Deliverable | NotRendered):
            return outcome
        raise outcome

    async def _render(self, part: Part, strip: Strip, directory: Path) -> None:
        try:
            self._finished.comes(await self._delivery.render(part, strip, directory))
        except CancelledError:
            pass  # nobody waits for it any more
        except Exception as error:  # noqa: BLE001 - whoever waits for the outcome raises it
            self._finished.comes(error)

    async def _watch(self, part: Part, strip: Strip, directory: Path) -> None:
        """Return when the file is there, or when the audio needs or can have no more help."""
        await self._first(self._lease.when_not_recording())
        standing = self._lease.standing
        if standing.wish is not Wish.DELIVER or standing.deliver_before is None:
            return
        left = standing.deliver_before - self._place.wall.controller_now() - MARGIN_SECONDS
        if await self._first(deferLater(self._place.clock, max(0.0, left))):
            await self._secure(part, strip, directory)

    async def _first(self, other: Deferred[Any]) -> bool:
        """Whether something else came before the render's end."""
        return await first_of(self._finished.when(), other) == 1

    async def _secure(self, part: Part, strip: Strip, directory: Path) -> None:
        size = strip.frames * strip.format.frame_bytes(self._plan.render.channels)
        if size > LARGEST_UPLOAD_BYTES:
            self.log.warn("{job} is too large to be secured as WAV", job=self._plan.job.id)
            return
        self.log.info("{job} is secured as WAV: the render is not done yet", job=self._plan.job.id)
        name = f"{stem_of(self._plan.file_name)}.wav"
        try:
            quick = await self._quick(strip, directory)
            self.secured = await self._delivery.sending.send(part, quick, name)
        except (RenderError, NotUploaded, TooLarge, OSError) as error:
            self.log.warn(
                "{job} could not be secured: {error}", job=self._plan.job.id, error=str(error)
            )
            return
        if quick.own_file:
            quick.path.unlink(missing_ok=True)

    async def _quick(self, strip: Strip, directory: Path) -> Deliverable:
        plan = attrs.evolve(self._plan.render, codec="wav")
        whole = strip.whole_file()
        if whole is not None and not needs_render(plan, strip):
            return Deliverable(whole.path, plan.content_type, strip.seconds, own_file=False)
        target = reserve(directory / f"{stem_of(self._plan.file_name)}.stopgap.wav")
        made = await self._place.render(plan=plan, strip=strip, target=target)
        return Deliverable(made.path, made.content_type, made.seconds, own_file=True)
