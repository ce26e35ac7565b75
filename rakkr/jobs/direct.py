"""The one-shot capture: record, render, upload, without a job."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.internet.defer import succeed

from rakkr.audio.pcm import UnknownFormat, sample_format
from rakkr.audio.strip import Strip
from rakkr.capture.capture import Capture
from rakkr.capture.conclusion import audio_of
from rakkr.capture.outcome import Completed
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.controller.errors import ControllerError
from rakkr.controller.messages import Receipt
from rakkr.controller.upload import Upload
from rakkr.durable import reserve
from rakkr.jobs.limits import limits_of
from rakkr.jobs.naming import direct_capture_name
from rakkr.jobs.workplace import Workplace
from rakkr.render.codec import Codec, choose_codec
from rakkr.render.errors import RenderError
from rakkr.render.plan import RenderPlan, needs_render, plan_render
from rakkr.settings import Settings

_MP3_KBPS = 128


class DirectCaptureFailed(Exception):
    """The recording could not be made or delivered; the message says what there is, and where."""


@attrs.frozen
class DirectPlan:
    """:ivar target: the delivered file."""

    request: CaptureRequest
    render: RenderPlan
    target: Path


def plan_direct(settings: Settings, recording_id: str) -> DirectPlan:
    """
    Decide everything before the device is opened.

    :raises DirectCaptureFailed: when what was asked for is impossible.
    """
    wished = settings.capture_output
    codec = choose_codec(settings.capture_output_codec, str(wished or "x.wav"))
    target = _target(settings, wished, codec, recording_id)
    try:
        audio_format = sample_format(settings.capture_format)
        render = plan_render(
            output_codec=codec,
            output_file_name=target.name,
            channel_map=None,
            selection=(),
            channels=settings.capture_channels,
            captured_channels=settings.capture_channels,
            rate=settings.capture_sample_rate,
            bitrate_kbps=settings.capture_output_bitrate_kbps
            or (_MP3_KBPS if codec == "mp3" else None),
            vbr=settings.capture_output_vbr and codec == "mp3",
        )
    except (RenderError, UnknownFormat) as impossible:
        raise DirectCaptureFailed(str(impossible)) from impossible
    request = CaptureRequest(
        backend=settings.capture_backend,
        command=settings.capture_command,
        args_template=settings.capture_args_template,
        device=settings.capture_device,
        format=audio_format,
        rate=settings.capture_sample_rate,
        channels=settings.capture_channels,
        seconds=settings.capture_seconds,
        # A WAV of all channels needs no render: the capture is the file that was asked for.
        path=target if codec == "wav" else target.with_name(f"{target.stem}.raw.wav"),
    )
    return DirectPlan(request, render, target)


def _target(settings: Settings, wished: Path | None, codec: Codec, recording_id: str) -> Path:
    if wished is None:
        name = direct_capture_name(recording_id, codec)
        return Path(settings.capture_dir).absolute() / name
    if codec in {"flac", "mp3"}:
        return wished.absolute().with_suffix(f".{codec}")
    return wished.absolute()


class DirectCapture:
    """One recording for one recording id."""

    def __init__(self, place: Workplace, recording_id: str) -> None:
        """:raises DirectCaptureFailed: when the settings ask for the impossible."""
        self._place = place
        self._recording_id = recording_id
        self._settings = place.live.current
        self._plan = plan_direct(self._settings, recording_id)
        self._capture: Capture | None = None
        self._dismissed = False

    def dismiss(self) -> None:
        """End the recording now, and deliver what there is."""
        self._dismissed = True
        if self._capture is not None:
            self._capture.stop()

    async def run(self) -> Receipt:
        """
        Record, render and upload.

        :raises DirectCaptureFailed: naming the audio that was recorded, if any was.
        """
        try:
            request = await self._place.find_route(self._plan.request)
        except (CannotLaunch, NotThere) as reason:
            raise DirectCaptureFailed(str(reason)) from reason
        self._capture = self._place.start_capture(
            request, limits_of(self._settings), lambda _: succeed(None)
        )
        if self._dismissed:
            self._capture.stop()
        outcome = await self._capture.when_done()
        if not isinstance(outcome, Completed):
            left = audio_of(outcome)
            raise DirectCaptureFailed(f"{outcome.error}{_where(left.path if left else None)}")
        audio = outcome.audio
        whole = Strip.of(audio, 0, min(audio.frames, outcome.planned_frames))
        path = audio.path
        try:
            if needs_render(self._plan.render, whole):
                target = reserve(self._plan.target)
                await self._place.render(plan=self._plan.render, strip=whole, target=target)
                path = target
            return await self._upload(path, whole.seconds)
        except (RenderError, OSError, ControllerError) as error:
            raise DirectCaptureFailed(f"{error}{_where(path)}") from error

    async def gone(self) -> None:
        """Wait until no program runs, after a cancelled :meth:`run`."""
        if self._capture is not None:
            await self._capture.stop()

    async def _upload(self, path: Path, seconds: float) -> Receipt:
        upload = Upload(
            path=path,
            content_type=self._plan.render.content_type,
            file_name=self._plan.target.name,
            duration_seconds=seconds,
        )
        return await self._place.controller.upload_cache_file(self._recording_id, upload)


def _where(path: Path | None) -> str:
    return "" if path is None else f"; the recording is in {path}"
