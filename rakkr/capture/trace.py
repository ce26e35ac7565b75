"""What another agent needs to find a capture again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from rakkr.audio.pcm import UnknownFormat, sample_format
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.tie import Tie
from rakkr.process_identity import ProcessIdentity


class BadTrace(ValueError):
    """A trace that cannot be followed; the message names what is wrong with it."""


@attrs.frozen(kw_only=True)
class Trace:
    """
    One capture as it is written into a journal.

    Moments are seconds of the monotonic clock, of the boot that ``boot_id`` names.

    :ivar path: the file of samples.
    :ivar messages: the file of the program's stderr.
    :ivar leash: the file with the moment at which the program is ended without us.
    :ivar exit: the file in which it will stand how the program ended.
    :ivar owner: who makes the file of samples: we, or the program.
    :ivar format: the ALSA name of the sample format.
    :ivar argv: the program and its arguments.
    :ivar device: what it records from, in the words of its backend.
    :ivar ends_itself: whether the program knows the length of its window.
    :ivar planned: frames of the window that the program was called for.
    :ivar wanted: frames at which it was to be ended, None for no such number.
    :ivar identity: the process; None before it was started, or when that was not found out.
    :ivar spawned_at: when the program was, or was about to be, started.
    :ivar started_at: when its first sample was captured; None before.
    :ivar messages_at: how far its messages were read, in bytes.
    :ivar dropouts: the losses that it reported until there.
    :ivar tie: what a sound server has to join it to; None where there is no server.
    :ivar drain_seconds: how long it has to run on before it is ended; see
        :class:`rakkr.capture.route.Launch`.
    """

    path: Path
    messages: Path
    leash: Path
    exit: Path
    owner: Literal["agent", "program"]
    format: str
    rate: int
    channels: int
    argv: tuple[str, ...]
    device: str
    ends_itself: bool
    planned: int
    wanted: int | None
    boot_id: str
    identity: ProcessIdentity | None
    spawned_at: float
    started_at: float | None = None
    messages_at: int = 0
    dropouts: Dropouts = attrs.field(factory=Dropouts)
    tie: Tie | None = None
    drain_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Say it in plain values."""
        plain = attrs.asdict(self)
        for name in ("path", "messages", "leash", "exit"):
            plain[name] = str(plain[name])
        plain["argv"] = list(self.argv)
        plain["tie"] = None if self.tie is None else self.tie.as_json()
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Trace:
        """
        Read what :meth:`as_json` said, here or in another version.

        Fields that are not known are left alone.

        :raises BadTrace: when something is missing, or makes no sense.
        """
        try:
            return _read(plain)
        except KeyError as missing:
            raise BadTrace(f"the trace of a capture lacks {missing}") from None
        except (TypeError, ValueError, UnknownFormat) as error:
            raise BadTrace(f"the trace of a capture cannot be followed: {error}") from None


def _read(plain: Mapping[str, Any]) -> Trace:
    who, lost, tie = plain["identity"], plain.get("dropouts"), plain.get("tie")
    owner = plain["owner"]
    if owner not in {"agent", "program"}:
        raise ValueError(f"nobody is called {owner!r}")
    started_at, wanted = plain.get("started_at"), plain.get("wanted")
    return Trace(
        path=Path(plain["path"]),
        messages=Path(plain["messages"]),
        leash=Path(plain["leash"]),
        exit=Path(plain["exit"]),
        owner=owner,
        format=sample_format(_text(plain["format"])).name,
        rate=_count(plain["rate"], least=1),
        channels=_count(plain["channels"], least=1),
        argv=_words(plain["argv"]),
        device=_text(plain["device"]),
        ends_itself=plain["ends_itself"] is True,
        planned=_count(plain["planned"]),
        wanted=None if wanted is None else _count(wanted),
        boot_id=_text(plain["boot_id"]),
        identity=None if who is None else _identity(who),
        spawned_at=_moment(plain["spawned_at"]),
        started_at=None if started_at is None else _moment(started_at),
        messages_at=_count(plain.get("messages_at", 0)),
        dropouts=Dropouts() if lost is None else _dropouts(lost),
        tie=None if tie is None else Tie.from_json(tie),
        drain_seconds=_moment(plain.get("drain_seconds", 0.0)),
    )


def _identity(plain: Mapping[str, Any]) -> ProcessIdentity:
    return ProcessIdentity(
        _count(plain["pid"], least=1), _count(plain["start_ticks"]), _text(plain["boot_id"])
    )


def _dropouts(plain: Mapping[str, Any]) -> Dropouts:
    return Dropouts(_count(plain["count"]), _moment(plain["milliseconds"]))


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("argv is no list of words")
    return tuple(map(_text, value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{value!r} is no number from {least}")
    return value


def _moment(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no time")
    return float(value)
