"""Tests for ``rakkr.meters.channel_alarms``."""

from __future__ import annotations

import math

from rakkr.meters.frame import MeterFrame
from tests.meters.frames import GOOD, OFFSET, QUIET, SILENT, STUCK, frame
from tests.meters.watching import WatchingCase


class ChannelSilentTests(WatchingCase):
    """A dead microphone among others that live."""

    def test_one_of_32(self) -> None:
        """One dead microphone among 32 is reported by its number, and so is its return."""
        dead = frame(*[GOOD] * 6, {**SILENT, "zero_run_seconds": 5.0}, *[GOOD] * 25)
        details = self.details("channel_silent", [dead] * 3)
        self.assertEqual((details["channels"], details["zeroRunSeconds"]), ([7], 5.0))
        self.assertEqual((details["flatlineDbfs"], details["maxRmsDbfs"]), (-120.0, -20.0))
        self.still(*[dead] * 10)
        recovered = self.details("channel_silent_recovered", [frame(*[GOOD] * 32)] * 3)
        self.assertEqual(recovered["channels"], [7])

    def test_second_one(self) -> None:
        """The first one that dies does not hide the second, nor is it named again."""
        self.details("channel_silent", [frame(SILENT, GOOD, GOOD)] * 3)
        second = self.details("channel_silent", [frame(SILENT, GOOD, SILENT)] * 3)
        self.assertEqual(second["channels"], [3])
        first = self.details("channel_silent_recovered", [frame(GOOD, GOOD, SILENT)] * 3)
        self.assertEqual(first["channels"], [1])

    def test_one_comes_as_another_goes(self) -> None:
        """What ends with a frame is reported before what begins with it."""
        self.details("channel_silent", [frame(SILENT, GOOD, GOOD)] * 3)
        names = self.types(*[frame(GOOD, SILENT, GOOD)] * 3)
        self.assertEqual(names, ["channel_silent_recovered", "channel_silent"])

    def test_quiet_room(self) -> None:
        """While no other channel carries a signal, it neither dies nor comes back."""
        self.assertEqual(self.types(*[frame(SILENT, QUIET)] * 9), ["low_signal"])
        self.assertEqual(
            self.types(*[frame(SILENT, GOOD)] * 3), ["low_signal_recovered", "channel_silent"]
        )
        self.assertEqual(self.types(*[frame(SILENT, QUIET)] * 9), ["low_signal"])

    def test_pauses(self) -> None:
        """Pauses between those who talk do not keep it from being reported."""
        talk = [frame(SILENT, GOOD), frame(SILENT, QUIET)] * 3
        self.assertEqual(self.types(*talk), ["channel_silent"])

    def test_whole_device(self) -> None:
        """Where all channels are silent it is the device that is reported, not each of them."""
        self.assertEqual(self.types(*[frame(SILENT, SILENT)] * 9), ["flatline"])
        names = self.types(*[frame(GOOD, SILENT)] * 3)
        self.assertEqual(names, ["flatline_recovered", "channel_silent"])

    def test_threshold(self) -> None:
        """It is as silent as a flat line, rounded; what is a little louder is alive."""
        self.still(*[frame({**GOOD, "rms_dbfs": -119.94}, GOOD)] * 9)
        self.details("channel_silent", [frame({**GOOD, "rms_dbfs": -119.96}, GOOD)] * 3)

    def test_what_is_a_signal(self) -> None:
        """Another channel carries a signal above the low-signal threshold, not at it."""
        self.assertEqual(
            self.types(*[frame(SILENT, {**GOOD, "rms_dbfs": -55.0})] * 9), ["low_signal"]
        )
        self.watch()
        self.details("channel_silent", [frame(SILENT, {**GOOD, "rms_dbfs": -54.9})] * 3)

    def test_thresholds_crossed(self) -> None:
        """Where the flat line is above the low-signal threshold, what is flat is no signal."""
        self.watch(flatline_dbfs=-40.0)
        names = self.types(*[frame({**GOOD, "rms_dbfs": -45}, {**GOOD, "rms_dbfs": -50})] * 9)
        self.assertEqual(names, ["flatline"])


class StuckValueTests(WatchingCase):
    """A converter that has stopped."""

    def test_stuck(self) -> None:
        """A loud channel that does not change is reported, which no flat line would show."""
        details = self.details("stuck_value", [frame(GOOD, STUCK)] * 3)
        self.assertEqual(details["channels"], [2])
        self.assertEqual((details["stuckRunSeconds"], details["stuckSeconds"]), (2.5, 1.0))
        self.assertEqual(
            self.details("stuck_value_recovered", [frame(GOOD, GOOD)] * 3)["channels"], [2]
        )

    def test_threshold(self) -> None:
        """The threshold itself is stuck, less is not."""
        self.still(*[frame({**GOOD, "stuck_run_seconds": 0.999})] * 9)
        self.details("stuck_value", [frame({**GOOD, "stuck_run_seconds": 1.0})] * 3)

    def test_short_frames(self) -> None:
        """Where frames are shorter than the threshold, a whole frame that is stuck counts."""
        self.watch(stuck_seconds=10)
        whole = frame({**GOOD, "stuck_run_seconds": 4_800 / 48_000}, seconds=0.1)
        nearly = frame({**GOOD, "stuck_run_seconds": 4_799 / 48_000}, seconds=0.1)
        self.still(*[nearly] * 200)
        self.assertEqual(self.types(*[whole] * 150), ["stuck_value"])


class DcOffsetTests(WatchingCase):
    """A channel that is off centre."""

    def test_offset(self) -> None:
        """An offset is reported with its size, whichever way it goes."""
        details = self.details("dc_offset", [frame(OFFSET, {**GOOD, "dc": 0.05}, GOOD)] * 3)
        self.assertEqual(details["channels"], [1, 2])
        self.assertEqual((details["dcDbfs"], details["maxDcDbfs"]), (-40.0, -26.0))
        recovered = self.details("dc_offset_recovered", [frame(GOOD, GOOD)] * 3)
        self.assertEqual((recovered["channels"], recovered["maxDcDbfs"]), ([1, 2], -160.0))

    def test_threshold(self) -> None:
        """The threshold itself is an offset, less is not."""
        self.still(*[frame({**GOOD, "dc": 0.0099})] * 9)
        self.details("dc_offset", [frame({**GOOD, "dc": -0.01})] * 3)

    def test_stuck_is_no_offset(self) -> None:
        """A channel that is stuck off centre has one fault, not two, and recovers from none."""
        stuck = {**STUCK, "dc": 0.3}
        self.assertEqual(self.types(*[frame(stuck)] * 9), ["stuck_value"])
        self.watch()
        self.details("dc_offset", [frame(OFFSET)] * 3)
        self.assertEqual(self.types(*[frame({**STUCK, "dc": 0.0})] * 9), ["stuck_value"])

    def test_no_number(self) -> None:
        """An offset that is no number tells nothing."""
        self.details("dc_offset", [frame(OFFSET)] * 3)
        self.still(*[frame({**GOOD, "dc": math.nan})] * 9)


class MissingChannelTests(WatchingCase):
    """A channel that a frame does not have."""

    def test_held(self) -> None:
        """Its alarms stay as they are, and go on when it is there again."""
        frames: list[MeterFrame] = [frame(GOOD, OFFSET)] * 2
        self.still(*frames, *[frame(GOOD, {**OFFSET, "rms_dbfs": math.nan})] * 9, frame(GOOD))
        self.details("dc_offset", [frame(GOOD, OFFSET)])
