"""The program that is listened to while nothing is recorded: one for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.capture.holding import Lost
from rakkr.capture.loss import backoff
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere
from rakkr.capture.router import FindRoute
from rakkr.capture.session import in_own_session
from rakkr.capture.template import BadTemplate
from rakkr.capture.tie_watch import Look, TieWatch
from rakkr.meters.analysis import MakeAnalysis
from rakkr.meters.launching import meter_launch
from rakkr.meters.listening import Listening
from rakkr.process import Child, Ladder, spawn
from rakkr.threads import InThread
from rakkr.wording import one_line

STALL_SECONDS: Final = 10.0
TRUSTED_SECONDS: Final = 5.0
"""A program that gave as much is called again soon after its end."""
CALM_SECONDS: Final = 5.0
"""So often a sound server is asked whether the program still has its source."""
LADDER: Final = Ladder("INT", grace=1.0, give_up=1.0, drain=0.2)
"""A recording waits for the end of the program, and nobody for what it still holds."""


@attrs.frozen(kw_only=True)
class IdleWorld:
    """
    What listening needs from outside.

    :ivar look: asks a sound server what it has.
    :ivar env: the whole environment of the program; the locale is forced to C.
    :ivar random: a number from 0 to 1.
    """

    find_route: FindRoute
    spawner: IReactorProcess
    clock: IReactorTime
    in_thread: InThread
    look: Look
    env: Mapping[str, str]
    random: Callable[[], float]


class IdleMeter:
    """
    Keeps one program going that delivers samples.

    A program that ends, falls silent, or loses its source at a sound server is reported and called
    again, later each time.

    :ivar stream: what comes of the program, or came of the last one; None before the first.
    """

    log = Logger()

    def __init__(
        self,
        request: Callable[[], CaptureRequest],
        make_analysis: MakeAnalysis,
        world: IdleWorld,
        failed: Callable[[CaptureRequest, str], None],
    ) -> None:
        """
        Start nothing yet.

        :param request: what to listen to at this moment.
        :param failed: told why a program gave nothing, or no more.
        """
        self.stream: Listening | None = None
        self._request_now = request
        self._make_analysis = make_analysis
        self._world = world
        self._clock = world.clock
        self._failed = failed
        self._wished: CaptureRequest | None = None
        self._child: Child | None = None
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """
        Listen from now on; nothing when it does already, to what is wished now.

        The device is opened when the program before, if it still ends, has let go of it.
        """
        if self._running is not None and self._wished not in {None, self._request_now()}:
            self.stop()
        if self._running is None:
            self._wished = None
            self._running = Deferred.fromCoroutine(self._keep_going(self._child))
            self._running.addErrback(self._broke)

    def stop(self) -> Deferred[None]:
        """Let go of the device; fires when the program is gone."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
        child = self._child
        if child is None or child.exit is not None:
            return succeed(None)
        return child.stop().addCallback(lambda _: None)

    async def _keep_going(self, before: Child | None) -> None:
        if before is not None:
            await before.when_ended()
        attempt = 0
        while True:
            self._wished = request = self._request_now()
            error, stream = await self._try(request)
            if error is not None:
                self._failed(request, one_line(error))
            given = 0.0 if stream is None else stream.frames_now() / request.rate
            attempt = 1 if given >= TRUSTED_SECONDS else attempt + 1
            await deferLater(self._clock, backoff(attempt, self._world.random))

    async def _try(self, request: CaptureRequest) -> tuple[str | None, Listening | None]:
        """Listen to one program; says why it ended, None for one that ran its time, and to what."""
        try:
            routed = await self._world.find_route(request)
            call = meter_launch(routed)
            stream = Listening(
                request, call.format, self._make_analysis, self._world.in_thread, self._clock
            )
            return await self._listen(call, stream), stream
        except (CannotLaunch, NotThere, BadTemplate) as reason:
            return str(reason), None
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - no defect keeps it from being tried again
            self.log.failure("the meter of an idle device broke down")
            return f"internal error: {error}", None

    async def _listen(self, call: Launch, stream: Listening) -> str | None:
        self.stream = stream
        child = self._child = self._spawn(call, stream)
        child.when_ended().addCallback(lambda _: stream.ends())
        lost: list[str] = []
        tie = self._tie(call, stream, child, lost)
        try:
            if tie is not None and child.exit is None:
                tie.begin()
            return await self._attend(call, stream, child, lost)
        finally:
            if tie is not None:
                tie.end()
            child.stop()

    async def _attend(
        self, call: Launch, stream: Listening, child: Child, lost: list[str]
    ) -> str | None:
        began, why = self._clock.seconds(), ""
        while child.exit is None:
            left = STALL_SECONDS - stream.quiet_seconds()
            if left <= 0.0:
                why = f"{call.argv[0]} gave no samples for {STALL_SECONDS:g} s"
                await child.stop()
                break
            try:
                await child.when_ended().addTimeout(left, self._clock)
            except defer.TimeoutError:
                continue
        ran = self._clock.seconds() - began >= stream.wished.seconds
        if ran and not lost and child.exit is not None and child.exit.ok:
            return None
        why = "".join(lost) or why or _ending(child)
        return f"{why}: {stream.said}" if stream.said else why

    def _spawn(self, call: Launch, stream: Listening) -> Child:
        env = self._world.env
        return spawn(
            in_own_session(self._world.spawner, env),
            self._clock,
            call.argv,
            env={**env, **call.env, "LC_ALL": "C"},
            ladder=LADDER,
            output=stream.hears,
        )

    def _tie(
        self, call: Launch, stream: Listening, child: Child, lost: list[str]
    ) -> TieWatch | None:
        """A sound server goes on with silence, or with another source, without a word."""
        if call.tie is None:
            return None

        def end(found: Lost) -> None:
            lost.append(found.why)
            child.stop()

        return TieWatch(
            call.tie, self._world.look, self._clock, stream, end, calm_seconds=CALM_SECONDS
        )

    def _broke(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("the meter of an idle device ended", failure)
            self._running = None


def _ending(child: Child) -> str:
    """Say how a program ended that should go on."""
    how = child.exit
    if how is not None and how.refused is not None:
        return how.refused
    return f"meter command exited with {how}"
