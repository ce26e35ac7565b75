"""Tests for ``rakkr.meters.limits``."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.limits import Limits, post_seconds
from rakkr.settings import Settings, resolve


class LimitsTests(SynchronousTestCase):
    """The settings of the alarms."""

    def test_defaults(self) -> None:
        """Where nothing was set, the limits are those of the contract."""
        self.assertEqual(Limits.of(Settings()), Limits())

    def test_each(self) -> None:
        """Every limit comes from its own setting."""
        given_ = {
            "meter_clip_dbfs": "-2",
            "meter_flatline_dbfs": "-90",
            "meter_low_signal_dbfs": "-50",
            "meter_correlation": "0.9",
            "meter_stuck_seconds": "3",
            "meter_dc_dbfs": "-30",
            "meter_alarm_set_seconds": "4",
            "meter_alarm_clear_seconds": "6",
        }
        limits = Limits.of(resolve(given_, {}).settings)
        self.assertEqual(attrs.astuple(limits), tuple(float(text) for text in given_.values()))

    def test_post_seconds(self) -> None:
        """Levels are sent as often as the heartbeat, unless that is set."""
        self.assertEqual(post_seconds(Settings()), 5.0)
        self.assertEqual(post_seconds(Settings(heartbeat_seconds=9)), 9.0)
        self.assertEqual(post_seconds(Settings(heartbeat_seconds=9, meter_post_seconds=0.5)), 0.5)
