"""The way from a request to the call of a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from rakkr.audio.pcm import SampleFormat
from rakkr.capture.tie import Tie


class CannotLaunch(ValueError):
    """A capture that no program can be asked for; the message is for people."""


class NotThere(Exception):
    """A source that is not there at this moment, but may come; the message is for people."""


@attrs.frozen
class Launch:
    """
    A call of a capture program.

    :ivar argv: the program and its arguments.
    :ivar owner: who makes the file: ``agent`` means headerless samples on stdout.
    :ivar format: the samples that it will deliver.
    :ivar ends_itself: whether the program knows the length of the window.
    :ivar env: what its environment needs beside ours.
    :ivar tie: what a sound server has to join it to; None where there is no server.
    :ivar drain_seconds: how long what the device has delivered may stay in the program, which
        drops it when it is ended.
    """

    argv: tuple[str, ...]
    owner: Literal["agent", "program"]
    format: SampleFormat
    ends_itself: bool = True
    env: Mapping[str, str] = attrs.field(factory=dict)
    tie: Tie | None = None
    drain_seconds: float = 0.0


@attrs.frozen(kw_only=True)
class Route:
    """
    How a request is captured on this machine, found out before its file has a name.

    :ivar launch: the call; a program that makes its own file gets the path as one argument more.
    :ivar remark: what is unusual about it, for people.
    """

    launch: Launch
    remark: str | None = None

    def to(self, path: Path) -> Launch:
        """Complete the call."""
        if self.launch.owner == "agent":
            return self.launch
        return attrs.evolve(self.launch, argv=(*self.launch.argv, str(path)))
