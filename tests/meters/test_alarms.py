"""Tests for ``rakkr.meters.alarms``: the contract's alarms, and what no frame may do to any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from rakkr.capture.dropouts import Dropouts
from rakkr.meters.alarms import Alarms
from rakkr.meters.frame import SYNTHETIC_INTERFACE, MeterFrame
from rakkr.meters.limits import Limits
from rakkr.meters.synthetic import synthetic_frame
from tests.meters.frames import CLIPPED, GOOD, OFFSET, QUIET, SILENT, SPEECH, STUCK, alike, frame
from tests.meters.watching import WatchingCase, judged, short

CONTRACT = ("channel_correlation", "clipping", "flatline", "low_signal")
ORDER = (*CONTRACT, "channel_silent", "stuck_value", "dc_offset", "dropout")
LOST = Dropouts(1, 20.0)


@attrs.define
class Reference:
    """Section 9 of the contract, as it is written: one state, three frames."""

    active: dict[str, bool] = attrs.Factory(lambda: dict.fromkeys(CONTRACT, False))
    streak: dict[str, int] = attrs.Factory(lambda: dict.fromkeys(CONTRACT, 0))

    def see(self, seen: MeterFrame) -> Iterator[str]:
        levels = seen.levels
        highest = max(each.rms_dbfs for each in levels)
        flat = highest <= -120
        present = {
            "channel_correlation": any(
                each.correlation and abs(each.correlation.score) >= 0.98 for each in levels
            ),
            "clipping": any(each.clipping for each in levels),
            "flatline": flat,
            "low_signal": not flat and highest <= -55,
        }
        for name in CONTRACT:
            if present[name] == self.active[name]:
                self.streak[name] = 0
                continue
            self.streak[name] += 1
            if self.streak[name] == 3:
                self.active[name], self.streak[name] = present[name], 0
                yield name if present[name] else f"{name}_recovered"


def rows(*choices: dict[str, Any]) -> st.SearchStrategy[list[MeterFrame]]:
    """Rows of frames of three channels, each frame a few times so that alarms have their time."""
    one = st.tuples(*[st.sampled_from(choices)] * 3).map(lambda levels: frame(*levels))
    several = st.lists(st.tuples(one, st.integers(1, 4)), max_size=12)
    return several.map(lambda row: [each for each, times in row for _ in range(times)])


SIGNALS = (GOOD, CLIPPED, alike(1, -0.99), alike(2, 0.97))
ANYTHING = rows(*SIGNALS, QUIET, SILENT, STUCK, OFFSET)


class WholeFrameTests(WatchingCase):
    """What the contract's alarms report of a frame as a whole."""

    def agrees(self, frames: Iterable[MeterFrame]) -> None:
        """Ours report what those of the contract do, in its order."""
        alarms, reference = Alarms("node_1", Limits()), Reference()
        on = False
        for each in frames:
            ours = []
            for event in judged(alarms.see(each)):
                name = short(event.type)
                if name == "clipping" and on:
                    continue  # names another channel, which the contract never does
                if name.startswith("clipping"):
                    on = name == "clipping"
                if name.removesuffix("_recovered") in CONTRACT:
                    ours.append(name)
            self.assertEqual(ours, list(reference.see(each)))

    @given(rows(*SIGNALS, QUIET))
    def test_quiet(self, frames: list[MeterFrame]) -> None:
        """In rows of loud, quiet, clipping and correlated frames every event is the contract's."""
        self.agrees(frames)

    @given(rows(*SIGNALS, SILENT))
    def test_silent(self, frames: list[MeterFrame]) -> None:
        """In rows of loud, silent, clipping and correlated frames too."""
        self.agrees(frames)

    def test_clipping(self) -> None:
        """Clipping names its channels, their peaks and how far they are over the threshold."""
        details = self.details("clipping", [frame(GOOD, CLIPPED)] * 3)
        self.assertEqual(
            details,
            {
                "capturedAt": "2023-11-14T22:13:20.250Z",
                "channels": [{"channelIndex": 2, "label": "Input 2", "peakDbfs": -0.5}],
                "clipDbfs": -1.0,
                "faultScore": 0.5,
                "interfaceId": "iface_1",
                "nodeId": "node_1",
                "quality": dict.fromkeys(details["quality"]),
            },
        )
        recovered = self.details("clipping_recovered", [frame(GOOD, GOOD)] * 3)
        self.assertEqual(
            recovered["channels"], [{"channelIndex": 2, "label": "Input 2", "peakDbfs": -8.0}]
        )

    def test_severities(self) -> None:
        """A fault is a warning, its end is information."""
        events = self.see(*[frame(CLIPPED)] * 3, *[frame(GOOD)] * 3)
        self.assertEqual([event.severity for event in events], ["warning", "info"])

    def test_clip_threshold_of_full_scale(self) -> None:
        """A threshold of 0 dBFS or more has a fault score too."""
        for threshold, peak, fault in ((0.0, 0.0, 1.0), (3.0, 3.0, 1.0), (3.0, 2.0, 0.0)):
            self.watch(clip_dbfs=threshold)
            clipped = frame({**CLIPPED, "peak_dbfs": peak})
            self.assertEqual(self.details("clipping", [clipped] * 3)["faultScore"], fault)

    def test_another_channel_clips(self) -> None:
        """A channel that goes on clipping is named once, also when the first one hides it."""
        self.assertEqual(self.types(*[frame(CLIPPED, GOOD)] * 3), ["clipping"])
        self.still(*[frame(CLIPPED, CLIPPED)] * 2)
        second = self.details("clipping", [frame(CLIPPED, CLIPPED)])
        self.assertEqual([each["channelIndex"] for each in second["channels"]], [2])
        self.still(*[frame(CLIPPED, CLIPPED)] * 5, *[frame(GOOD, CLIPPED)] * 5)
        recovered = self.details("clipping_recovered", [frame(GOOD, GOOD)] * 3)
        self.assertEqual([each["channelIndex"] for each in recovered["channels"]], [1, 2])

    def test_clipping_by_turns(self) -> None:
        """Channels that clip now and then, one after another, make one event."""
        turns = [frame(CLIPPED, GOOD), frame(GOOD, CLIPPED)] * 20
        self.assertEqual(self.types(*turns), ["clipping"])

    def test_flatline(self) -> None:
        """A device that is dead says how dead, and afterwards which channels live again."""
        details = self.details("flatline", [frame(SILENT, SILENT)] * 3)
        self.assertEqual((details["channels"], details["faultScore"]), ([1, 2], 1.0))
        self.assertEqual((details["flatlineDbfs"], details["maxRmsDbfs"]), (-120.0, -160.0))
        self.assertNotIn("quality", details)
        alive = self.details("flatline_recovered", [frame({**GOOD, "rms_dbfs": -50}, QUIET)] * 3)
        self.assertEqual((alive["channels"], alive["maxRmsDbfs"]), ([1, 2], -50.0))
        self.assertIn("quality", alive)

    def test_flatline_threshold(self) -> None:
        """The threshold itself is flat, 0.1 dB more is not; what counts is rounded."""
        self.assertEqual(self.types(*[frame({**GOOD, "rms_dbfs": -119.96})] * 3), ["flatline"])
        self.watch()
        self.assertEqual(self.types(*[frame({**GOOD, "rms_dbfs": -119.94})] * 3), ["low_signal"])

    def test_low_signal(self) -> None:
        """A weak signal says how weak; the figures are the contract's."""
        details = self.details("low_signal", [frame(QUIET, {**QUIET, "rms_dbfs": -70})] * 3)
        self.assertEqual((details["lowSignalDbfs"], details["maxRmsDbfs"]), (-55.0, -62.0))
        self.assertEqual((details["faultScore"], details["channels"]), (0.23, [1, 2]))
        self.assertIn("maxSpeechScore", details)
        recovered = self.details("low_signal_recovered", [frame(GOOD, QUIET)] * 3)
        self.assertEqual((recovered["channels"], recovered["maxRmsDbfs"]), ([1], -20.0))

    def test_what_carries_again(self) -> None:
        """A recovery names the channels above the threshold, not those that are just at it."""
        self.details("low_signal", [frame(QUIET, QUIET)] * 3)
        at_it = {**GOOD, "rms_dbfs": -55.0}
        recovered = self.details("low_signal_recovered", [frame(at_it, GOOD)] * 3)
        self.assertEqual(recovered["channels"], [2])

    def test_silence_is_no_recovery(self) -> None:
        """From quiet to digital silence and back, nothing says that the signal is well."""
        self.assertEqual(self.types(*[frame(QUIET)] * 3), ["low_signal"])
        self.assertEqual(self.types(*[frame(SILENT)] * 9), ["flatline"])
        self.assertEqual(self.types(*[frame(QUIET)] * 9), ["flatline_recovered"])
        self.assertEqual(self.types(*[frame(GOOD)] * 3), ["low_signal_recovered"])

    def test_correlation(self) -> None:
        """Correlated channels are named in pairs, each pair once."""
        frames = [frame(alike(3, -0.99), GOOD, alike(1, -0.99), alike(1, 0.97))] * 3
        details = self.details("channel_correlation", frames)
        self.assertEqual(
            details["pairs"],
            [{"leftChannelIndex": 1, "phase": "inverted", "rightChannelIndex": 3, "score": -0.99}],
        )
        self.assertEqual((details["channels"], details["faultScore"]), ([1, 3], 0.5))
        self.assertEqual(details["correlationAbsScore"], 0.98)
        recovered = self.details("channel_correlation_recovered", [frame(GOOD)] * 3)
        self.assertEqual(recovered["channels"], [1, 3])

    def test_correlation_threshold(self) -> None:
        """The threshold itself counts, a hundredth less does not."""
        self.still(*[frame(alike(2, 0.97))] * 3)
        details = self.details("channel_correlation", [frame(alike(2, 0.98))] * 3)
        self.assertEqual((details["faultScore"], details["channels"]), (0.0, [1, 2]))

    def test_only_the_same(self) -> None:
        """A threshold of 1 takes what is the same, and its fault score is a number."""
        self.watch(correlation=1.0)
        self.still(*[frame(alike(2, 0.99))] * 3)
        details = self.details("channel_correlation", [frame(alike(2, 1.0))] * 3)
        self.assertEqual(details["faultScore"], 0.0)

    def test_dropout(self) -> None:
        """Lost samples are reported at once, once, and summed up when no more were lost."""
        gap = frame(GOOD, dropouts=Dropouts(2, 31.5))
        details = self.details("dropout", [frame(GOOD), gap])
        self.assertEqual((details["dropoutCount"], details["dropoutMilliseconds"]), (2, 31.5))
        self.still(gap, *[frame(GOOD)] * 2, gap, *[frame(GOOD)] * 2)
        summed = self.details("dropout_recovered", [frame(GOOD)])
        self.assertEqual((summed["dropoutCount"], summed["dropoutMilliseconds"]), (6, 94.5))
        self.assertEqual(self.details("dropout", [gap])["dropoutCount"], 2)

    def test_quality(self) -> None:
        """The worst of each score of any channel is told."""
        other = attrs.evolve(SPEECH, hum=0.9, snr_db=3.0, intelligibility=None)
        frames = [frame({**CLIPPED, "quality": SPEECH}, {**CLIPPED, "quality": other}, CLIPPED)] * 3
        self.assertEqual(
            self.details("clipping", frames)["quality"],
            {
                "maxBroadbandNoiseScore": 0.3,
                "maxHumScore": 0.9,
                "maxNoiseScore": 0.2,
                "maxSpeechScore": 0.7,
                "maxStaticScore": 0.0,
                "minEstimatedSnrDb": 3.0,
                "minIntelligibilityScore": 0.6,
            },
        )


class IntegrityTests(WatchingCase):
    """What holds for every alarm."""

    @given(ANYTHING, st.data())
    def test_no_data(self, frames: list[MeterFrame], data: st.DataObject) -> None:
        """Frames without data, and invented ones, change nothing, wherever they come."""
        plain, mixed = Alarms("node_1", Limits()), Alarms("node_1", Limits())
        nothing = (
            frame(),
            frame(GOOD, CLIPPED, GOOD, seconds=0),
            frame(CLIPPED, CLIPPED, interface_id=SYNTHETIC_INTERFACE, dropouts=LOST),
            synthetic_frame(1, 3, 0.0),
        )
        for each in frames:
            for empty in data.draw(st.lists(st.sampled_from(nothing), max_size=4)):
                self.assertEqual(mixed.see(empty), [])
            self.assertEqual(mixed.see(each), plain.see(each))

    @given(ANYTHING)
    def test_in_turn(self, frames: list[MeterFrame]) -> None:
        """
        No channel is named in two faults of one type without a recovery between, none recovers
        from what it did not have, and the events of a frame are in order.
        """
        alarms = Alarms("node_1", Limits(set_seconds=5, clear_seconds=10))
        on: dict[str, set[int]] = defaultdict(set)
        for each in frames:
            lost = attrs.evolve(each, dropouts=LOST if each.levels[0].clipping else Dropouts())
            names = []
            for event in alarms.see(lost):
                name = short(event.type).removesuffix("_recovered")
                names.append(name)
                channels = {_index(channel) for channel in event.details["channels"]}
                if event.severity == "warning":
                    self.assertEqual(on[name] & channels, set())
                    on[name] |= channels
                elif name in CONTRACT[2:]:  # the recovery names what carries signal again
                    self.assertNotEqual(on.pop(name), set())
                else:
                    self.assertNotEqual(channels, set())
                    self.assertEqual(channels - on[name], set())
                    on[name] -= channels
            self.assertEqual(names, sorted(names, key=ORDER.index))

    @given(ANYTHING, ANYTHING)
    def test_interfaces(self, ones: list[MeterFrame], others: list[MeterFrame]) -> None:
        """What one interface shows changes nothing of another's alarms."""
        apart, together = Alarms("node_1", Limits()), Alarms("node_1", Limits())
        length = max(len(ones), len(others))
        for at in range(length):
            for each in ones[at : at + 1]:
                self.assertEqual(together.see(each), apart.see(each))
            for each in others[at : at + 1]:
                together.see(attrs.evolve(each, interface_id="iface_2"))

    def test_renamed(self) -> None:
        """An interface whose id becomes known keeps its alarms under it."""
        self.assertEqual(self.types(*[frame(CLIPPED, interface_id="local")] * 3), ["clipping"])
        self.alarms.rename("local", "uuid")
        self.alarms.rename("never seen", "uuid")
        self.still(*[frame(CLIPPED, interface_id="uuid")] * 3)
        recovered = self.details("clipping_recovered", [frame(GOOD, interface_id="uuid")] * 3)
        self.assertEqual(recovered["interfaceId"], "uuid")

    def test_renamed_to_one_that_is_there(self) -> None:
        """An interface that was metered under its new id already keeps the alarms it has there."""
        self.assertEqual(self.types(*[frame(CLIPPED, interface_id="uuid")] * 3), ["clipping"])
        self.still(frame(GOOD, interface_id="local"))
        self.alarms.rename("local", "uuid")
        self.still(*[frame(CLIPPED, interface_id="uuid")] * 3)

    def test_lost_without_levels(self) -> None:
        """Samples that were lost are reported although nothing was left to measure."""
        self.assertEqual(self.types(frame(dropouts=LOST, seconds=0)), ["dropout"])
        self.still(*[frame()] * 9)
        self.assertEqual(self.types(*[frame(GOOD)] * 3), ["dropout_recovered"])

    def test_times(self) -> None:
        """Set and clear times are those of the settings."""
        self.watch(set_seconds=0, clear_seconds=60)
        self.assertEqual(self.types(frame(CLIPPED)), ["clipping"])
        self.still(*[frame(GOOD)] * 11)
        self.assertEqual(self.types(frame(GOOD)), ["clipping_recovered"])


def _index(channel: int | dict[str, int]) -> int:
    return channel if isinstance(channel, int) else channel["channelIndex"]
