"""Tests for ``rakkr.meters.service``."""

from __future__ import annotations

from itertools import pairwise

import attrs
from twisted.internet.defer import Deferred

from rakkr.controller.errors import Unreachable
from rakkr.meters.follower import MOST_BEHIND_SECONDS
from rakkr.meters.idle import LADDER, STALL_SECONDS
from rakkr.meters.lag import WELL_SECONDS
from rakkr.meters.recorded import Recorded
from tests.meters.case import IDLE_DEVICE, ServiceCase
from tests.meters.making import RATE, make, make_defective, make_unsummable, pcm

LOUD = b"\xff\x7f" * 2


class IdleTests(ServiceCase):
    def test_levels(self) -> None:
        """Every five seconds a frame sums up all since the last one, under its own time."""
        self.build()
        (child,) = self.listened
        self.run_on(5.0, idle=(child, 0.5))
        self.run_on(2.0, idle=(child, 0.25))
        self.run_on(2.75, idle=(child, 0.125))
        self.assertEqual(len(self.frames()), 1)
        self.run_on(0.25, idle=(child, 0.125))
        (first, second) = self.frames()
        self.assertEqual(first[:2], (IDLE_DEVICE, -6.0))
        self.assertEqual(second[:2], (IDLE_DEVICE, -12.0))
        self.assertEqual((first[2], second[2]), (4.75, 9.75))
        self.assertEqual(self.types(), [])

    def test_no_data(self) -> None:
        """Where nothing comes nothing is said: no frame, no sound."""
        self.build()
        self.run_on(9.0)
        self.assertEqual((self.frames(), self.chunks()), ([], []))

    def test_listening(self) -> None:
        """Chunks follow each other without a gap, and are as old as their first sample."""
        self.build()
        (child,) = self.listened
        self.run_on(4.0, idle=(child, 0.5))
        self.assertEqual(self.chunks()[:3], [(-0.25, 500), (0.25, 500), (0.75, 500)])
        moments = [moment for moment, _ in self.chunks()]
        self.assertEqual(moments, [moments[0] + 0.5 * number for number in range(len(moments))])

    def test_a_failure(self) -> None:
        """A source that fails is reported once, no levels are sent, and its return is reported."""
        self.build()
        for _ in range(3):
            self.reactor.last.says(b"arecord: No such device\n", 2)
            self.reactor.last.ends(1)
            self.reactor.advance(10.0)
        self.assertEqual(self.types(), ["device_unavailable"])
        self.assertEqual(self.noted.details("agent.meter.device_unavailable")["device"], "hw:9")
        self.run_on(0.75, idle=(self.reactor.last, 0.5))
        self.assertEqual(self.types(), ["device_unavailable"], "a moment is no proof")
        self.run_on(0.5, idle=(self.reactor.last, 0.5))
        self.assertEqual(self.types()[1:], ["capture_recovered"])

    def test_what_a_dead_program_gave(self) -> None:
        """What a program gave last is measured and sent, and is no recovery from its end."""
        self.build()
        child = self.reactor.last
        self.run_on(2.0, idle=(child, 0.25))
        child.says(pcm(0.5, 0.5))
        child.ends(1)
        self.assertEqual(self.types(), ["capture_failed"])
        self.reactor.advance(0.25)
        self.assertEqual(self.types(), ["capture_failed"])
        self.assertEqual(self.peaks(), [(IDLE_DEVICE, -6.0)])
        milliseconds = sum(length for _, length in self.chunks())
        self.assertAlmostEqual(milliseconds, 2500, -1)

    def test_a_stall(self) -> None:
        """A program that falls silent is reported, and another one called."""
        self.build()
        child = self.reactor.last
        self.run_on(6.0, idle=(child, 0.5))
        self.run_on(STALL_SECONDS)
        child.ends(1)
        self.assertEqual(self.types(), ["capture_failed"])
        self.assertIn("no samples", self.noted.events[0][2]["error"])
        self.run_on(1.0)
        self.assertEqual(len(self.listened), 2)

    def test_busy(self) -> None:
        """While a device is recorded or will be, or nobody knows, no program is called."""
        self.busy = True
        self.build()
        self.run_on(60.0)
        self.assertEqual(self.reactor.spawned, [])
        self.busy = False
        self.run_on(0.25)
        self.assertEqual(len(self.listened), 1)

    def test_other_wishes(self) -> None:
        """What else is to be listened to is listened to as soon as it is known."""
        self.build()
        child = self.reactor.last
        self.run_on(2.0, idle=(child, 0.5))
        self.wished = attrs.evolve(self.wished, device="hw:8")
        self.run_on(0.25, idle=(child, 0.5))
        self.assertEqual(child.signals, ["INT"])
        child.ends(1)
        self.assertEqual(self.reactor.last.argv[2], "hw:8")
        self.reactor.advance(0.25)
        self.reactor.last.says(pcm(1.0, 0.25))
        self.run_on(2.5)
        self.assertEqual(self.peaks(), [(IDLE_DEVICE, -6.0), ("hw:8", -12.0)])
        self.assertEqual(self.types(), [])


class RecordingTests(ServiceCase):
    def test_before_while_after(self) -> None:
        """The device is listened to, recorded, and listened to again; all is measured."""
        self.build()
        self.run_on(2.0, idle=(self.reactor.last, 0.5))
        child = self.record("desk")
        self.run_on(5.0, job=(child, 0.25))
        self.end("desk", child)
        self.reactor.advance(0.25)
        self.assertEqual(len(self.listened), 1, "what follows is not over yet")
        self.busy = False
        self.run_on(0.25)
        self.assertEqual(len(self.listened), 2)
        self.run_on(5.0, idle=(self.reactor.last, 0.125))
        idle, job = [(IDLE_DEVICE, -6.0)], [("desk", -12.0)]
        self.assertEqual(self.peaks(), [*idle, *job, *job, (IDLE_DEVICE, -18.1)])
        self.assertEqual(self.types(), [])

    def test_nothing_is_opened_twice(self) -> None:
        """While something is recorded no program listens, though nobody says that it is busy."""
        self.build()
        child = self.record("desk")
        self.run_on(1.0, job=(child, 0.25))
        self.busy = False
        self.run_on(5.0, job=(child, 0.25))
        self.assertEqual(len(self.listened), 1)

    def test_a_program_that_was_not_let_go(self) -> None:
        """Where a capture begins beside the idle program, that one is ended and measured."""
        self.build()
        self.run_on(1.0, idle=(self.reactor.last, 0.5))
        capture = self.start(seconds=1000)
        self.jobs.append(Recorded(capture, "desk"))
        self.give(self.reactor.last, pcm(1.0, 0.25))
        self.give(self.listened[0], pcm(0.25, 0.9))
        self.run_on(0.5)
        self.assertEqual(self.listened[0].signals, ["INT"])
        self.assertEqual(self.peaks(), [(IDLE_DEVICE, -0.9)])

    def test_the_first_counts(self) -> None:
        """Of several captures the first is measured to its end, then the next from that moment."""
        self.build()
        one = self.record("one")
        self.run_on(1.0, job=(one, 0.5))
        two = self.record("two")
        self.run_on(20.0, job=(one, 0.5), other=(two, 0.9))
        self.assertEqual({name for name, _ in self.peaks()}, {"one"})
        self.end("one", one)
        self.run_on(10.0, other=(two, 0.25))
        left = [name for name, _ in self.peaks()]
        self.assertEqual(left[-2:], ["two", "two"])
        self.assertNotIn(("two", -0.9), self.peaks(), "that was while another one was measured")
        self.assertEqual(self.types(), [])

    def test_one_after_the_other(self) -> None:
        """A capture that follows at once is measured from its first sample; none is missed."""
        self.build()
        one = self.record("one")
        self.run_on(2.0, job=(one, 0.5))
        self.give(one, pcm(0.5, 0.5))
        self.end("one", one)
        two = self.record("two")
        del self.jobs[0]
        self.give(two, pcm(0.1, 0.9))
        self.run_on(5.0, job=(two, 0.25))
        self.assertEqual(self.peaks(), [("one", -6.0), ("two", -0.9)])

    def test_between_two_looks(self) -> None:
        """A capture that begins and ends between two looks is measured, and once."""
        self.build()
        child = self.record("desk")
        self.reactor.advance(0.05)
        self.give(child, pcm(0.1, 0.25))
        self.reactor.advance(0.05)
        self.end("desk", child)
        self.run_on(5.0)
        self.assertEqual(self.peaks(), [("desk", -12.0)])

    def test_times(self) -> None:
        """Levels and sound of a recording are as old as their samples."""
        self.build()
        self.reactor.advance(0.25)
        child = self.record("desk")
        self.run_on(10.0, job=(child, 0.5))
        for _, _, moment in self.frames():
            self.assertAlmostEqual(moment % 5.0, 0.0, 3)
        moments = [moment for moment, _ in self.chunks()]
        self.assertAlmostEqual(moments[0], 0.25, 2)
        self.assertEqual(
            [round(later - moment, 3) for moment, later in pairwise(moments)],
            [0.5] * (len(moments) - 1),
        )

    def test_too_slow(self) -> None:
        """A machine that cannot keep up says so once, and when it can again for a while."""
        self.build()
        child = self.record("desk")
        self.run_on(1.0, job=(child, 0.5))
        self.slow.held = []
        self.run_on(MOST_BEHIND_SECONDS + 4.0, job=(child, 0.5))
        self.slow.release()
        self.run_on(1.0, job=(child, 0.5))
        self.assertEqual(self.types(), ["behind"])
        self.assertGreater(self.noted.events[0][2]["leftOutFrames"], 8 * RATE)
        self.run_on(WELL_SECONDS - 1.5, job=(child, 0.5))
        self.assertEqual(self.types(), ["behind"])
        self.run_on(1.0, job=(child, 0.5))
        self.assertEqual(self.types(), ["behind", "behind_recovered"])

    def test_an_unreadable_file(self) -> None:
        """A file that cannot be read is a failure, and its return a recovery."""
        self.build()
        child = self.record("desk")
        self.run_on(2.0, job=(child, 0.5))
        self.path.rename(self.path.with_name("away"))
        self.run_on(2.0, job=(child, 0.5))
        self.assertEqual(self.types(), ["device_unavailable"])
        self.path.with_name("away").rename(self.path)
        self.run_on(1.0, job=(child, 0.5))
        self.assertEqual(self.types(), ["device_unavailable", "capture_recovered"])


class AlarmTests(ServiceCase):
    def test_the_same_frames(self) -> None:
        """Alarms judge what is sent, and come back when it is well again."""
        self.build()
        child = self.reactor.last
        self.run_on(5.0, idle=(child, 0.99))
        self.assertIn("clipping", self.types())
        self.run_on(5.0, idle=(child, 0.5))
        self.assertIn("clipping_recovered", self.types())

    def test_another_name(self) -> None:
        """An alarm goes on under the id that the controller tells only later."""
        self.build()
        child = self.reactor.last
        self.run_on(5.0, idle=(child, 0.99))
        self.name = "the controller's"
        self.run_on(10.0, idle=(child, 0.99))
        self.assertEqual(self.types().count("clipping"), 1)
        self.run_on(5.0, idle=(child, 0.5))
        recovered = self.noted.details("agent.meter.clipping_recovered")
        self.assertEqual(recovered["interfaceId"], "the controller's")

    def test_dropouts(self) -> None:
        """A gap that a program reports is told with the frame in which it lies."""
        self.build()
        child = self.reactor.last
        self.run_on(1.0, idle=(child, 0.5))
        child.says(b"overrun!!! (at least 12.5 ms long)\n", 2)
        self.run_on(4.0, idle=(child, 0.5))
        self.assertEqual([each for each in self.types() if "dropout" in each], ["dropout"])


class DefectTests(ServiceCase):
    def test_in_the_analysis(self) -> None:
        """A defect is logged once and reported, and measuring goes on behind it."""
        self.making = make_defective
        self.build()
        child = self.reactor.last
        for _ in range(8):
            self.give(child, LOUD * (RATE // 4))
            self.reactor.advance(0.25)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.types(), ["capture_failed", "behind"])
        self.assertEqual(self.noted.events[0][2]["error"], "internal error: a defect")
        self.run_on(8.0, idle=(child, 0.5))
        self.assertIn("capture_recovered", self.types())
        self.assertEqual(self.peaks()[-1], (IDLE_DEVICE, -6.0))

    def test_at_the_end_of_a_recording(self) -> None:
        """A capture whose end cannot be measured is left all the same."""
        self.making = make_defective
        self.build()
        child = self.record("desk")
        self.run_on(1.0, job=(child, 0.5))
        self.give(child, LOUD * RATE)
        self.end("desk", child)
        self.jobs.clear()
        self.busy = False
        self.run_on(0.5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.listened), 2)

    def test_in_summing_up(self) -> None:
        """Levels that cannot be summed up are lost and counted, and the next ones are sent."""
        self.making = make_unsummable
        self.build()
        child = self.reactor.last
        self.run_on(5.0, idle=(child, 0.5))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.frames(), [])
        self.making = make
        self.run_on(5.0, idle=(child, 0.25))
        self.assertEqual(self.peaks(), [(IDLE_DEVICE, -12.0)])
        self.assertEqual(self.noted.details("agent.meter.behind")["leftOutFrames"], 5 * RATE)

    def test_no_name(self) -> None:
        """A name that cannot be found costs frames, and not the service."""
        names = self.name_of
        self.name_of = None  # type: ignore[assignment,method-assign]
        self.build()
        self.name_of = names  # type: ignore[method-assign]
        child = self.reactor.last
        self.run_on(6.0, idle=(child, 0.5))
        self.assertEqual(self.frames(), [])
        self.assertTrue(self.flushLoggedErrors(TypeError))
        job = self.record("desk")
        self.run_on(1.0, job=(job, 0.5))
        self.end("desk", job)
        self.jobs.clear()
        self.busy = False
        self.run_on(0.5)
        self.assertTrue(self.flushLoggedErrors(TypeError))
        self.assertEqual(len(self.listened), 2)

    def test_an_outage_of_the_controller(self) -> None:
        """A controller that hangs or fails delays no measuring and no other interface."""
        self.controller.answers["post_meter_frame"] = [Deferred()]
        self.controller.answers["post_monitor_chunk"] = [Unreachable("refused")]
        self.build()
        child = self.reactor.last
        self.run_on(30.0, idle=(child, 0.99))
        self.assertEqual(len(self.frames()), 1)
        self.assertIn("clipping", self.types())
        stream = self.idle.stream
        assert stream is not None
        self.assertEqual(stream.measured, 30 * RATE)


class SyntheticTests(ServiceCase):
    def test_only_when_nothing_is_recorded(self) -> None:
        """Invented levels have an interface of their own, and give way to measured ones."""
        self.build(idle=False, synthetic=2)
        self.run_on(5.0)
        self.assertEqual({name for name, _ in self.peaks()}, {"iface_synthetic"})
        self.assertEqual(len(self.frames()), 2)
        self.assertEqual([length for _, length in self.chunks()], [1000, 1000])
        child = self.record("desk")
        self.run_on(10.0, job=(child, 0.5))
        self.assertEqual(self.peaks()[2:], [("desk", -6.0), ("desk", -6.0)])
        self.assertEqual(self.types(), [])


class StopTests(ServiceCase):
    def stop(self) -> Deferred[object]:
        """Stop the service."""
        self.running = False
        return self.subject.stopService()

    def test_idle(self) -> None:
        """A stop ends the idle program and fires when it is gone."""
        self.build()
        child = self.reactor.last
        self.run_on(2.0, idle=(child, 0.5))
        stopped = self.stop()
        self.assertEqual(child.signals, ["INT"])
        self.assertNoResult(stopped)
        child.ends(1)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_bounded(self) -> None:
        """It waits neither for a program that cannot be killed nor for a thread or a controller."""
        posting: Deferred[None] = Deferred()
        self.controller.answers["post_meter_frame"] = [posting]
        self.build()
        child = self.reactor.last
        self.run_on(6.0, idle=(child, 0.5))
        self.slow.held = []
        self.run_on(1.0, idle=(child, 0.5))
        self.assertFalse(posting.called)
        stopped = self.stop()
        self.assertTrue(posting.called, "it was given up")
        self.reactor.advance(LADDER.grace)
        self.reactor.advance(LADDER.give_up)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.slow.release()

    def test_during_a_recording(self) -> None:
        """A stop leaves the capture alone."""
        self.build()
        child = self.record("desk")
        self.run_on(2.0, job=(child, 0.5))
        self.successResultOf(self.stop())
        self.assertEqual(child.signals, [])

    def test_before_anything(self) -> None:
        """A service that was never started can be stopped."""
        self.busy = True
        self.build()
        self.successResultOf(self.stop())
        self.successResultOf(self.subject.let_go())

    def test_nothing_to_let_go(self) -> None:
        """Where no program is wished, none holds the device."""
        self.build(idle=False)
        self.successResultOf(self.subject.let_go())
        self.run_on(10.0)
        self.assertEqual(self.reactor.spawned, [])
