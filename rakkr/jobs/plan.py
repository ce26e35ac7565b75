"""What is recorded, and what each job gets of it: decided before a device is opened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import attrs

from rakkr.audio.pcm import SampleFormat, UnknownFormat, sample_format
from rakkr.capture.request import CaptureRequest
from rakkr.controller.messages import ChannelMapAssignment, Job
from rakkr.jobs.maps import AppliedMap, map_of
from rakkr.jobs.naming import safe_file_name, stem_of
from rakkr.render.errors import ImpossibleRender
from rakkr.render.plan import RenderPlan, plan_render
from rakkr.settings import Settings

JOB_TYPE = "alsa_capture"  # the controller's constant, also for PipeWire and JACK
MOST_CHANNELS = 256
MOST_RATE = 768_000


class ImpossibleJob(ValueError):
    """A job that cannot be recorded as it stands; the message says why, and what to change."""


@attrs.frozen
class MemberPlan:
    """
    What one job gets.

    :ivar seconds: the length of its window.
    :ivar file_name: the delivered file's name, safe for this file system.
    :ivar chunk_seconds: the length of its pieces, None for one whole file.
    """

    job: Job
    seconds: int
    file_name: str
    render: RenderPlan
    channel_map: AppliedMap | None
    chunk_seconds: int | None = None


@attrs.frozen
class SessionPlan:
    """
    One capture and its members.

    :ivar seconds: the longest member's window.
    :ivar stem: the name of the capture's files, without extension.
    """

    backend: str
    command: str
    args_template: str | None
    device: str
    format: SampleFormat
    rate: int
    channels: int
    seconds: int
    stem: str
    members: tuple[MemberPlan, ...]
    interface_id: str | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of one captured frame."""
        return self.format.frame_bytes(self.channels)


@attrs.frozen
class Planned:
    """:ivar refused: jobs that cannot be recorded, each with the sentence that says why."""

    session: SessionPlan | None
    refused: tuple[tuple[Job, str], ...]


def width_of(job: Job, applied: AppliedMap | None) -> int:
    """
    How many channels must be captured for a job.

    :raises ImpossibleJob: when no device has that many.
    """
    command = job.command
    if applied is not None and applied.source_channels:
        width = applied.source_channels
    else:
        width = max([command.capture_channels, *(command.capture_channel_selection or ())])
    if width > MOST_CHANNELS:
        raise ImpossibleJob(f"the job asks for {width} channels; a capture has {MOST_CHANNELS}")
    return width


def checked_format(job: Job) -> SampleFormat:
    """
    The sample format of a job whose kind and rate are known here.

    :raises ImpossibleJob: when one of them is not.
    """
    command = job.command
    if command.type != JOB_TYPE:
        raise ImpossibleJob(
            f"jobs of type {command.type!r} are not known here; only {JOB_TYPE!r} is"
        )
    if command.capture_sample_rate > MOST_RATE:
        raise ImpossibleJob(
            f"a sample rate of {command.capture_sample_rate} Hz is above {MOST_RATE}"
        )
    try:
        return sample_format(command.capture_format)
    except UnknownFormat as unknown:
        raise ImpossibleJob(str(unknown)) from unknown


def plan_member(
    job: Job,
    applied: AppliedMap | None,
    captured_channels: int,
    chunk_seconds: int | None = None,
) -> MemberPlan:
    """
    Plan what one job gets of a capture that is so wide.

    :param chunk_seconds: the node's own length of pieces, for a job that names none; 0 is none.
    :raises ImpossibleJob: when no such file can be made.
    """
    command = job.command
    try:
        render = plan_render(
            output_codec=command.output_codec,
            output_file_name=command.output_file_name,
            channel_map=None if applied is None else applied.mapping,
            selection=command.capture_channel_selection or (),
            channels=command.capture_channels,
            captured_channels=captured_channels,
            rate=command.capture_sample_rate,
            bitrate_kbps=command.output_bitrate_kbps,
            vbr=command.output_vbr,
        )
    except ImpossibleRender as impossible:
        raise ImpossibleJob(str(impossible)) from impossible
    return MemberPlan(
        job,
        command.duration_seconds,
        safe_file_name(command.output_file_name),
        render,
        applied,
        command.chunk_seconds or chunk_seconds or None,
    )


def _same_capture(job: Job, primary: Job) -> None:
    for name, of_primary in capture_facts(primary).items():
        own = capture_facts(job)[name]
        if own != of_primary:
            raise ImpossibleJob(
                f"the group captures with {name} {of_primary}, this job asks for {own}; "
                "record it in a group of its own"
            )


def capture_facts(job: Job) -> dict[str, object]:
    """What jobs must have in common, by names for people, to be recorded from one capture."""
    command = job.command
    return {
        "device": command.capture_device,
        "format": command.capture_format.upper(),
        "sample rate": command.capture_sample_rate,
        "backend": command.capture_backend,
    }


def plan_session(
    jobs: Sequence[Job],
    settings: Settings,
    node_id: str,
    assignments: Sequence[ChannelMapAssignment] = (),
) -> Planned:
    """
    Plan one capture for the jobs that were claimed together.

    The first job that can be recorded at all decides device, format and rate; a job that does not
    fit it, or that asks for the impossible, is refused without harm to the others.
    """
    refused: list[tuple[Job, str]] = []
    wanted: list[tuple[Job, AppliedMap | None, int]] = []
    for job in jobs:
        try:
            checked_format(job)
            applied = map_of(job, node_id, assignments)
            width = width_of(job, applied)
            plan_member(job, applied, width)
            if wanted:
                _same_capture(job, wanted[0][0])
            wanted.append((job, applied, width))
        except ImpossibleJob as impossible:
            refused.append((job, str(impossible)))
    if not wanted:
        return Planned(None, tuple(refused))
    primary = wanted[0][0].command
    channels = max(width for _, _, width in wanted)
    members = []
    for job, applied, _ in wanted:
        try:  # what is possible alone need not be possible in a capture as wide as the group's
            members.append(plan_member(job, applied, channels, settings.capture_chunk_seconds))
        except ImpossibleJob as impossible:
            refused.append((job, str(impossible)))
    backend = primary.capture_backend or settings.capture_backend
    session = SessionPlan(
        backend=backend,
        command=settings.capture_command,
        args_template=settings.capture_args_template,
        device=primary.capture_device,
        format=sample_format(primary.capture_format),
        rate=primary.capture_sample_rate,
        channels=channels,
        seconds=max(member.seconds for member in members),
        stem=stem_of(members[0].file_name),
        members=tuple(members),
        interface_id=primary.capture_interface_id,
    )
    return Planned(session, tuple(refused))


def request_of(plan: SessionPlan, device: str, seconds: float, path: Path) -> CaptureRequest:
    """
    One segment of what was planned.

    :param device: where the planned one is to be found now.
    :param seconds: that are left of the longest window.
    """
    return CaptureRequest(
        backend=plan.backend,
        command=plan.command,
        args_template=plan.args_template,
        device=device,
        format=plan.format,
        rate=plan.rate,
        channels=plan.channels,
        seconds=max(1, math.ceil(seconds)),
        path=path,
    )
