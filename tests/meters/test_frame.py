"""Tests for ``rakkr.meters.frame`` and ``rakkr.meters.rounding``."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.frame import SYNTHETIC_INTERFACE, ChannelLevels, Correlation, MeterFrame, Quality
from rakkr.meters.rounding import rounded
from rakkr.solo.schemas import METER_FRAME
from tests.meters.frames import GOOD, SPEECH, alike, frame

NUMBERS = st.floats() | st.sampled_from([-0.0, -161.0, 25.0, math.inf, -math.inf, math.nan, 81.0])
QUALITIES = st.builds(
    Quality,
    speech=NUMBERS,
    speech_like=st.booleans(),
    noise=NUMBERS,
    hum=st.none() | NUMBERS,
    static=st.none() | NUMBERS,
    broadband=st.none() | NUMBERS,
    intelligibility=st.none() | NUMBERS,
    snr_db=st.none() | NUMBERS,
)
LEVELS = st.builds(
    ChannelLevels,
    index=st.integers(1, 600),
    rms_dbfs=NUMBERS,
    peak_dbfs=NUMBERS,
    clipping=st.booleans(),
    dc=NUMBERS,
    crest_factor_db=NUMBERS,
    zero_crossing_rate=NUMBERS,
    quality=st.none() | QUALITIES,
    correlation=st.none() | st.builds(Correlation, st.integers(1, 600), NUMBERS),
)


def level(made: MeterFrame) -> dict[str, Any]:
    """The only level of a frame, as it is sent."""
    (only,) = made.as_wire("node_1")["levels"]
    found: dict[str, Any] = only
    return found


class RoundingTests(SynchronousTestCase):
    """Numbers on the wire."""

    def test_away_from_zero(self) -> None:
        """A half is rounded away from zero, in single precision as the reference agent has it."""
        for value, decimals, expected in (
            (-34.25, 1, -34.3),
            (34.25, 1, 34.3),
            (0.125, 2, 0.13),
            (-55.04, 1, -55.0),
            (0.145, 2, 0.15),  # 0.145 in double precision is less than a half
            (-160.0, 1, -160.0),
        ):
            self.assertEqual(rounded(value, decimals), expected)

    @given(st.floats(-200, 200), st.integers(1, 2))
    def test_near(self, value: float, decimals: int) -> None:
        """A rounded number is at most half a step away, and never minus zero."""
        found = rounded(value, decimals)
        self.assertLessEqual(abs(found - value), 0.5 / 10**decimals + 1e-4)
        self.assertFalse(found == 0 and math.copysign(1, found) < 0)


class WireTests(SynchronousTestCase):
    """A frame as it is sent."""

    def test_whole(self) -> None:
        """A frame has the members of the contract, in its order."""
        made = frame(alike(2, -0.984), {**GOOD, "peak_dbfs": -0.0003}, quality=SPEECH)
        wire = made.as_wire("node_1")
        self.assertEqual(list(wire), ["capturedAt", "interfaceId", "levels", "nodeId"])
        self.assertEqual(wire["capturedAt"], "2023-11-14T22:13:20.250Z")
        self.assertEqual((wire["interfaceId"], wire["nodeId"]), ("iface_1", "node_1"))
        self.assertEqual(
            json.dumps(wire["levels"][0]),
            '{"channelIndex": 1, "clipping": false, "label": "Input 1", "peakDbfs": -8.0, '
            '"quality": {"channelCorrelation": {"peerChannelIndex": 2, "phase": "inverted", '
            '"score": -0.98}, "broadbandNoiseScore": 0.3, "crestFactorDb": 12.0, '
            '"estimatedSnrDb": 18.0, "humScore": 0.1, "intelligibilityScore": 0.6, '
            '"noiseScore": 0.2, "speechLike": true, "speechScore": 0.7, "staticScore": 0.0, '
            '"zeroCrossingRate": 0.0}, "rmsDbfs": -20.0}',
        )
        other = wire["levels"][1]
        self.assertEqual(str(other["peakDbfs"]), "0.0")
        self.assertNotIn("channelCorrelation", other["quality"])

    def test_silence(self) -> None:
        """Digital silence is -160."""
        sent = level(frame({"rms_dbfs": -math.inf, "peak_dbfs": -math.inf}))
        self.assertEqual((sent["rmsDbfs"], sent["peakDbfs"]), (-160.0, -160.0))

    def test_limits(self) -> None:
        """What is beyond the range of the wire is sent as its end."""
        loud = {"rms_dbfs": 30.0, "peak_dbfs": 24.1, "crest_factor_db": 80.5}
        sent = level(frame(loud, quality=Quality(speech=1.2, speech_like=True, noise=-0.1)))
        self.assertEqual((sent["rmsDbfs"], sent["peakDbfs"]), (24.0, 24.0))
        self.assertEqual(sent["quality"]["crestFactorDb"], 80.0)
        self.assertEqual((sent["quality"]["speechScore"], sent["quality"]["noiseScore"]), (1, 0))

    def test_nobody_listened(self) -> None:
        """Without a quality there is none, and no score is invented."""
        self.assertNotIn("quality", level(frame(GOOD)))

    def test_part_of_a_quality(self) -> None:
        """A score that is unknown or no number is absent; where it must be there, all are."""
        known = Quality(speech=0.5, speech_like=False, noise=0.5, hum=math.nan)
        sent = level(frame(GOOD, quality=known))["quality"]
        names = {"crestFactorDb", "noiseScore", "speechLike", "speechScore", "zeroCrossingRate"}
        self.assertEqual(set(sent), names)
        for broken in (
            {"quality": Quality(speech=math.nan, speech_like=False, noise=0.5)},
            {"quality": known, "crest_factor_db": math.nan},
        ):
            self.assertNotIn("quality", level(frame({**GOOD, **broken})))

    def test_no_number(self) -> None:
        """A channel whose level is no number has no level; its neighbours keep theirs."""
        made = frame({**GOOD, "rms_dbfs": math.nan}, GOOD)
        self.assertEqual(level(made)["channelIndex"], 2)

    def test_most_channels(self) -> None:
        """A controller takes 512 levels, and gets no more."""
        self.assertEqual(len(frame(*[GOOD] * 512).as_wire("n")["levels"]), 512)
        wire = frame(*[GOOD] * 513).as_wire("n")
        self.assertEqual(wire["levels"][-1]["channelIndex"], 512)

    @given(st.lists(LEVELS, max_size=3))
    def test_always_accepted(self, levels: list[ChannelLevels]) -> None:
        """Whatever was measured, the controller's schema takes the frame, and it holds no null."""
        made = MeterFrame(captured_at=0, interface_id="i", levels=tuple(levels), frames=1, rate=1)
        wire = made.as_wire("node_1")
        self.assertEqual(METER_FRAME(wire, ()), wire)
        text = json.dumps(wire, allow_nan=False)
        self.assertNotIn("null", text)
        self.assertNotIn("-0.0,", text)

    @given(st.lists(LEVELS, max_size=3))
    def test_rounded_once(self, levels: list[ChannelLevels]) -> None:
        """Rounding what is rounded changes nothing."""
        made = MeterFrame(captured_at=0, interface_id="i", levels=tuple(levels), frames=1, rate=1)
        once = made.rounded()
        self.assertEqual(repr(once.rounded()), repr(once))

    def test_impossible(self) -> None:
        """A frame without an interface, and a channel 0, cannot be made."""
        self.assertRaises(ValueError, frame, GOOD, interface_id="")
        self.assertRaises(ValueError, ChannelLevels, index=0, rms_dbfs=0.0, peak_dbfs=0.0)

    def test_marks(self) -> None:
        """Only a frame of the invented interface is synthetic."""
        self.assertTrue(frame(GOOD, interface_id=SYNTHETIC_INTERFACE).synthetic)
        self.assertFalse(frame(GOOD).synthetic)
        self.assertEqual(frame(GOOD, seconds=2.5).seconds, 2.5)
