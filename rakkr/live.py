"""The settings in force: those of the command line, with what the controller laid over them."""

from __future__ import annotations

import attrs

from rakkr.controller.messages import CacheRetention, NodeConfig
from rakkr.settings import Settings

_OVERLAID = (
    "capture_args_template",
    "capture_backend",
    "capture_channels",
    "capture_command",
    "capture_device",
    "capture_format",
    "capture_sample_rate",
    "meter_args_template",
)


def overlay(base: Settings, config: NodeConfig) -> Settings:
    """
    Lay the controller's audio defaults over the node's own.

    Always over the original settings, so that a default which the operator removes falls back to
    the command line.  Blank values count as absent.
    """
    given = {
        name: value
        for name in _OVERLAID
        if (value := getattr(config.audio_defaults, name)) is not None
        and not (isinstance(value, str) and not value.strip())
    }
    return attrs.evolve(base, **given)


@attrs.define
class LiveSettings:
    """
    What holds at this moment; rooms read it when they begin something.

    :ivar base: as the process was started.
    :ivar current: with the controller's audio defaults.
    :ivar capacity: how many recordings may run at once.  The controller's figure replaces the
        command line's as soon as it is known, as with the reference agent.
    :ivar policies: the controller's cache policies; None while they are not all known.
    """

    base: Settings
    current: Settings = attrs.field(init=False)
    capacity: int = attrs.field(init=False)
    policies: tuple[CacheRetention, ...] | None = None

    def __attrs_post_init__(self) -> None:
        self.current = self.base
        self.capacity = max(1, self.base.max_concurrent_recordings)

    def apply(self, config: NodeConfig) -> bool:
        """
        Take over a node config.

        :returns: whether anything changed.
        """
        before = (self.current, self.capacity, self.policies)
        self.current = overlay(self.base, config)
        if config.max_concurrent_recordings is not None:
            self.capacity = max(1, config.max_concurrent_recordings)
        if config.policies_complete:  # one that cannot be read has not vanished
            self.policies = config.recorder_cache_policies
        return before != (self.current, self.capacity, self.policies)
