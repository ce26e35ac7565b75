"""What a reader gets of a capture that does not wait for anything to be certain."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from rakkr.capture.capture import Capture
from tests.capture.case import SECOND, CaptureCase
from tests.capture.test_capture_tie import ELSEWHERE, GOOD, LOOSE, TiedCase


def growing(capture: Capture) -> Deferred[object]:
    """Ask how many frames there are."""
    asking = Deferred.fromCoroutine(capture.growing())
    return asking.addCallback(lambda audio: None if audio is None else audio.frames)


class GrowingTests(CaptureCase):
    def test_grows(self) -> None:
        """It says what lies in the file at this moment, in whole frames."""
        capture = self.start()
        self.assertIsNone(self.successResultOf(growing(capture)))
        self.reactor.last.writes(SECOND + b"\1\2\3")
        self.assertEqual(self.successResultOf(growing(capture)), 8000)
        self.reactor.last.writes(b"\4")
        self.assertEqual(self.successResultOf(growing(capture)), 8001)
        self.reactor.last.ends(1)
        self.outcome(capture)

    def test_the_end(self) -> None:
        """After the end it says what there is, and while the end is settled it waits for that."""
        capture = self.start()
        self.run_for(2)
        self.threads.held = []
        capture.stop()
        self.reactor.last.ends(1)
        waiting = growing(capture)
        self.assertNoResult(waiting)
        self.threads.release()
        self.assertEqual(self.successResultOf(waiting), 16_000)
        self.outcome(capture)
        self.assertEqual(self.successResultOf(growing(capture)), 16_000)

    def test_cut(self) -> None:
        """Frames that were cut off at the end are not there."""
        capture = self.start()
        self.run_for(2)
        self.reactor.last.writes(SECOND)
        self.assertEqual(self.successResultOf(growing(capture)), 24_000)
        capture.want(20_000)
        self.reactor.advance(1)
        self.reactor.last.ends(1)
        self.outcome(capture)
        self.assertEqual(self.successResultOf(growing(capture)), 20_000)

    def test_nothing(self) -> None:
        """Where nothing could be started there is nothing, ever."""
        capture = self.start(command="nothing-like-this")
        self.assertIsNone(self.successResultOf(growing(capture)))
        self.assertFalse(capture.has_sample)

    def test_a_file_that_cannot_be_read(self) -> None:
        """Who asks often makes no flood of messages: the same trouble is told once."""
        capture = self.start(command="wrapper")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"RIFF" + bytes(2))
        with capturedLogs() as logs:
            for _ in range(5):
                self.assertIsNone(self.successResultOf(growing(capture)))
        told = [each for each in logs if "cannot be read yet" in each["log_format"]]
        self.assertEqual(len(told), 1)
        self.reactor.last.ends(1)
        self.outcome(capture)


class TiedTests(TiedCase):
    def test_of_whatever(self) -> None:
        """Samples count at once, but it has no sample before it is known to be of the source."""
        self.view = LOOSE
        capture = self.begin()
        self.second()
        self.assertEqual(self.successResultOf(growing(capture)), 8000)
        self.assertFalse(capture.has_sample)
        self.view = GOOD
        self.second()
        self.assertTrue(capture.has_sample)
        capture.stop()
        self.reactor.last.ends(1)
        self.outcome(capture)
        self.assertTrue(capture.has_sample)

    def test_never_its_source(self) -> None:
        """A capture of something else never had a sample."""
        self.view = ELSEWHERE
        capture = self.begin()
        self.second()
        self.lost(capture)
        self.assertFalse(capture.has_sample)
