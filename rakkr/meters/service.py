"""MeterService: measures every sample that a device delivers, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureRequest
from rakkr.meters.follower import FollowCapture, Follower
from rakkr.meters.idle import IdleMeter
from rakkr.meters.outlet import Outlet
from rakkr.meters.recorded import Chooser, Recorded
from rakkr.meters.stream import Stream
from rakkr.periodic import Periodic

LOOK_SECONDS: Final = 0.25
WELL_SECONDS: Final = 1.0
"""A source that gave so much works."""


@attrs.frozen(eq=False)
class _Source:
    """
    What is measured at the moment.

    :ivar interface_id: the controller's id of it, where somebody knows it.
    :ivar idle: whether it is only listened to, and not recorded.
    """

    stream: Stream
    interface_id: str | None
    idle: bool


class MeterService(MultiService):
    """
    Follows what is recorded, else listens to the configured device.

    While a capture runs, its file is measured; nothing is opened twice.  The idle program lets go
    of the device before a capture needs it, and takes it up again after the last one.

    All is done in one row, look by look: a stream is never measured and summed up at once.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        outlet: Outlet,
        *,
        recorded: Callable[[], Sequence[Recorded]],
        busy: Callable[[], bool],
        follow: FollowCapture,
        idle: IdleMeter | None,
        name_of: Callable[[str | None, CaptureRequest], str],
        post_seconds: float,
        synthetic_channels: Callable[[], int] | None = None,
    ) -> None:
        """
        Measure nothing yet.

        :param outlet: where everything goes that is found out.
        :param recorded: the captures that run or have just ended, the one that counts first.
        :param busy: whether a device is being recorded, or is about to be.
        :param idle: the program for the time between; None where none is wished.
        :param name_of: the id of an interface, of the controller's one and of what was asked for.
        :param post_seconds: how often levels are summed up and sent.
        :param synthetic_channels: how many channels are invented while nothing is recorded, where
            somebody wishes that.
        """
        super().__init__()
        self.setName("meters")
        self._clock = clock
        self._outlet = outlet
        self._recorded = recorded
        self._busy = busy
        self._follow = follow
        self._idle = idle
        self._name_of = name_of
        self._post_seconds = post_seconds
        self._synthetic_channels = synthetic_channels
        self._chooser = Chooser()
        self._source: _Source | None = None
        self._due = clock.seconds()
        self._defective = False
        Periodic(
            clock, min(LOOK_SECONDS, post_seconds), self._look, name="measuring"
        ).setServiceParent(self)

    @property
    def followed(self) -> Capture | None:
        """The capture that is measured; None while none is."""
        stream = None if self._source is None else self._source.stream
        return stream.capture if isinstance(stream, Follower) else None

    def let_go(self) -> Deferred[None]:
        """Let go of the idle device, which a capture needs; fires when it is free."""
        return succeed(None) if self._idle is None else self._idle.stop()

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """End everything that runs here; fires when the idle program is gone."""
        self._outlet.stop()
        ends = [maybeDeferred(super().stopService), maybeDeferred(self.let_go)]
        return DeferredList(ends, consumeErrors=True)

    async def _look(self) -> None:
        await self._choose()
        source = self._source
        if source is not None:
            await self._measure(source)
            if source.stream.is_over:
                await self._leave(source)
        now = self._clock.seconds()
        if now >= self._due:
            missed = (now - self._due) // self._post_seconds
            self._due += (missed + 1) * self._post_seconds
            await self._post()

    async def _choose(self) -> None:
        recorded = self._recorded()
        self._chooser.see(recorded)
        source = self._source
        if source is not None and not source.idle:
            return
        choice = self._chooser.choose(recorded)
        if choice is not None:
            if source is not None:
                await self._measure(source)
                await self._leave(source)
            self.let_go()
            capture, name = choice.recorded.capture, choice.recorded.interface_id
            self._source = _Source(
                self._follow(capture, from_start=choice.from_start), name, idle=False
            )
        elif self._idle is not None:
            if not self._busy():
                self._idle.start()
            stream = self._idle.stream
            if source is None and stream is not None and not stream.is_over:
                self._source = _Source(stream, None, idle=True)

    async def _measure(self, source: _Source) -> None:
        stream, error = source.stream, None
        before = stream.measured
        try:
            await stream.look()
        except CancelledError:
            raise
        except OSError as reason:
            error = f"what is recorded cannot be read: {reason}"
        except Exception as defect:  # noqa: BLE001 - the next samples are measured all the same
            error = f"internal error: {defect}"
            self._note_defect()
        self._tell(source, error, more=stream.measured > before)

    def _tell(self, source: _Source, error: str | None, *, more: bool) -> None:
        """Say what is known after a look."""
        stream, outlet = source.stream, self._outlet
        with self.log.failuresHandled("what was measured could not be told"):
            interface = self._name(source)
            if error is not None:
                outlet.failed(stream.wished, error)
            elif more and not stream.is_over and self._has_well(stream):
                self._defective = False
                outlet.worked(stream.wished)
            if stream.analysis is not None:
                outlet.audio(stream, interface, stream.analysis)
            outlet.left_out(interface, stream.left_out())

    def _has_well(self, stream: Stream) -> bool:
        return stream.measured >= WELL_SECONDS * stream.wished.rate

    def _note_defect(self) -> None:
        """Log a defect once, and not four times a second for years."""
        if not self._defective:
            self._defective = True
            self.log.failure("samples could not be measured; it is tried again")

    async def _leave(self, source: _Source) -> None:
        """Send what there still is of a source that is over."""
        self._source = None
        try:
            await source.stream.finish()
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the next source is measured all the same
            self.log.failure("the last sound could not be heard")
        self._tell(source, None, more=False)
        await self._sum_up(source)

    async def _post(self) -> None:
        if self._source is not None:
            await self._sum_up(self._source)
        elif self._synthetic_channels is not None:
            self._outlet.invent(self._synthetic_channels())

    async def _sum_up(self, source: _Source) -> None:
        stream, analysis = source.stream, source.stream.analysis
        try:
            measured = await stream.sum_up()
            if measured is not None and analysis is not None:
                self._outlet.levels(stream, self._name(source), measured, analysis.rate)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the next samples are measured all the same
            self._note_defect()
            stream.forget()

    def _name(self, source: _Source) -> str:
        return self._name_of(source.interface_id, source.stream.wished)
