"""Tests for ``rakkr.live``."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.messages import AudioDefaults, CacheRetention, MonitorEnhancement, NodeConfig
from rakkr.live import LiveSettings, overlay
from rakkr.settings import Settings


def config(capacity: int | None = None, **defaults: Any) -> NodeConfig:
    """A node config with these audio defaults."""
    nothing = {field.name: None for field in attrs.fields(AudioDefaults)}
    return NodeConfig(
        audio_defaults=AudioDefaults(**{**nothing, **defaults}),
        recorder_cache_policies=(),
        max_concurrent_recordings=capacity,
        monitor_enhancement=MonitorEnhancement(engine=None, requested=False),
    )


class LiveTests(SynchronousTestCase):
    """Settings that the controller keeps."""

    def test_overlay(self) -> None:
        """The controller's defaults beat the command line's, one by one."""
        base = attrs.evolve(Settings(), capture_device="hw:9")
        live = overlay(base, config(capture_channels=8, capture_command="pw-record"))
        self.assertEqual((live.capture_channels, live.capture_command), (8, "pw-record"))
        self.assertEqual(live.capture_device, "hw:9")

    def test_blank(self) -> None:
        """Blank text is no value."""
        self.assertEqual(overlay(Settings(), config(capture_device=" ")), Settings())

    def test_reverts(self) -> None:
        """A default that the operator removes falls back to the command line's."""
        live = LiveSettings(Settings())
        self.assertTrue(live.apply(config(4, capture_device="hw:2")))
        self.assertEqual((live.current.capture_device, live.capacity), ("hw:2", 4))
        self.assertTrue(live.apply(config(4)))
        self.assertEqual(live.current, live.base)

    def test_no_change(self) -> None:
        """The same again is no change."""
        live = LiveSettings(Settings())
        live.apply(config(2, capture_device="hw:2"))
        self.assertFalse(live.apply(config(2, capture_device="hw:2")))

    def test_capacity(self) -> None:
        """A capacity that the controller does not give stays as it is."""
        live = LiveSettings(attrs.evolve(Settings(), max_concurrent_recordings=3))
        live.apply(config(None))
        self.assertEqual(live.capacity, 3)

    def test_policies(self) -> None:
        """Policies count when all of them could be read: one that could not has not vanished."""
        live = LiveSettings(Settings())
        self.assertIsNone(live.policies)
        live.apply(NodeConfig(policies_complete=False))
        self.assertIsNone(live.policies)
        policies = (CacheRetention(policy_id="p"),)
        live.apply(NodeConfig(recorder_cache_policies=policies))
        live.apply(NodeConfig(policies_complete=False))
        self.assertEqual(live.policies, policies)
