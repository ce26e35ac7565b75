"""The program that is listened to while nothing is recorded: one for as long as it lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, FailureGroup, race, succeed
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.capture.dropouts import Dropouts, find_dropouts
from rakkr.capture.loss import backoff
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere
from rakkr.capture.router import FindRoute
from rakkr.capture.session import in_own_session
from rakkr.capture.surroundings import InThread
from rakkr.capture.template import BadTemplate
from rakkr.meters.analysis import Analysis, MakeAnalysis
from rakkr.meters.launching import meter_launch
from rakkr.process import Child, Ladder, spawn
from rakkr.wording import one_line, summary

_MOST_SECONDS: Final = 4.0
_STALL_SECONDS: Final = 10.0
_TRUSTED_SECONDS: Final = 5.0
_MOST_SAID: Final = 4000
_LADDER: Final = Ladder("INT", 2.0, 2.0)


class IdleMeter:
    """
    Keeps one program going that delivers samples, and measures all of them.

    A program that ends, or falls silent, is reported and called again, later each time.

    :ivar analysis: what is made of the stream; None while there is none.
    :ivar request: what is listened to, or was last.
    """

    log = Logger()

    def __init__(
        self,
        request: Callable[[], CaptureRequest],
        find_route: FindRoute,
        make_analysis: MakeAnalysis,
        spawner: IReactorProcess,
        clock: IReactorTime,
        in_thread: InThread,
        env: Mapping[str, str],
        random: Callable[[], float],
        failed: Callable[[CaptureRequest, str], None],
    ) -> None:
        """
        Start nothing yet.

        :param request: what to listen to at this moment.
        :param failed: told why a program gave nothing, or no more.
        """
        self.analysis: Analysis | None = None
        self._left_out = 0
        self._request_now = request
        self._find_route = find_route
        self._make_analysis = make_analysis
        self._spawner = spawner
        self._clock = clock
        self._in_thread = in_thread
        self._env = env
        self._random = random
        self._failed = failed
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._rest = b""
        self._said = ""
        self._dropouts = Dropouts()
        self._heard_at = 0.0
        self._measured_at = 0.0
        self._child: Child | None = None
        self._running: Deferred[Any] | None = None
        self.request: CaptureRequest | None = None

    @property
    def ended_at(self) -> float:
        """When the last frame that was measured came, on the monotonic clock."""
        return self._measured_at

    def dropouts(self) -> Dropouts:
        """The gaps that the program reported since the last time this was asked."""
        found, self._dropouts = self._dropouts, Dropouts()
        return found

    def left_out(self) -> int:
        """Frames that were not measured since the last time this was asked."""
        found, self._left_out = self._left_out, 0
        return found

    def start(self) -> None:
        """Listen from now on; nothing when it does already."""
        if self._running is None:
            self._running = Deferred.fromCoroutine(self._keep_going())
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

    async def look(self) -> None:
        """
        Measure what has come since the last time.

        :raises OSError: never; it is here because reading a file may fail.
        """
        analysis = self.analysis
        pieces, self._pieces, self._waiting = self._pieces, deque(), 0
        at = self._heard_at
        if analysis is None or not pieces:
            return
        data = self._rest + b"".join(pieces)
        whole = len(data) - len(data) % analysis.frame_bytes
        self._rest = data[whole:]
        await self._in_thread(analysis.feed, memoryview(data)[:whole])
        self._measured_at = at

    async def _keep_going(self) -> None:
        attempt = 0
        while True:
            began = self._clock.seconds()
            request = self._request_now()
            error = await self._listen(request)
            self.analysis = None
            self._failed(request, one_line(error))
            lasted = self._clock.seconds() - began
            attempt = 1 if lasted >= _TRUSTED_SECONDS else attempt + 1
            await deferLater(self._clock, backoff(attempt, self._random))

    async def _listen(self, request: CaptureRequest) -> str:
        """Listen to one program; says why it came to an end."""
        self.request = request
        try:
            routed = await self._find_route(request)
            call = meter_launch(routed)
        except (CannotLaunch, NotThere, BadTemplate) as reason:
            return str(reason)
        self._begin(call, request)
        child = self._child = self._spawn(call)
        try:
            while child.exit is None:
                quiet = self._clock.seconds() - self._heard_at
                if quiet >= _STALL_SECONDS:
                    child.stop()
                    await child.when_ended()
                    return f"{call.argv[0]} gave no samples for {_STALL_SECONDS:g} s{self._after()}"
                await race([child.when_ended(), deferLater(self._clock, _STALL_SECONDS - quiet)])
        except (CancelledError, FailureGroup):  # the second is a race that was cancelled
            child.stop()
            raise
        return f"meter command exited with {child.exit}{self._after()}"

    def _begin(self, call: Launch, request: CaptureRequest) -> None:
        self.analysis = self._make_analysis(call.format, request.rate, request.channels)
        self._pieces.clear()
        self._waiting, self._rest, self._said = 0, b"", ""
        self._heard_at = self._measured_at = self._clock.seconds()

    def _spawn(self, call: Launch) -> Child:
        return spawn(
            in_own_session(self._spawner, self._env),
            self._clock,
            call.argv,
            env={**self._env, **call.env, "LC_ALL": "C"},
            ladder=_LADDER,
            output=self._heard,
        )

    def _heard(self, descriptor: int, data: bytes) -> None:
        if descriptor != 1:
            text = data.decode("utf-8", "replace")
            self._dropouts += find_dropouts(text)
            self._said = (self._said + text)[-_MOST_SAID:]
            return
        analysis = self.analysis
        if analysis is None:
            return
        self._heard_at = self._clock.seconds()
        self._pieces.append(data)
        self._waiting += len(data)
        most = _MOST_SECONDS * analysis.rate * analysis.frame_bytes
        if self._waiting > most:
            frames = (len(self._rest) + self._waiting) // analysis.frame_bytes
            self._left_out += frames
            self._rest = b"".join([self._rest, *self._pieces])[frames * analysis.frame_bytes :]
            self._pieces.clear()
            self._waiting = 0
            analysis.skip(frames)

    def _after(self) -> str:
        said = summary(self._said)
        return f": {said}" if said else ""

    def _broke(self, failure: Failure) -> None:
        if failure.check(CancelledError, FailureGroup) is None:
            self.log.failure("the meter of an idle device broke down", failure)
            self._failed(self._request_now(), f"internal error: {failure.getErrorMessage()}")
