"""What a recording is made of, decided before its first sample exists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from rakkr.audio.pcm import SampleFormat
from rakkr.audio.strip import Strip
from rakkr.render.channels import MOST_ROUTED, ChannelMapLike, Routing, map_routing, select_routing
from rakkr.render.codec import Codec, check_codec, choose_codec, codec_args, content_type
from rakkr.render.errors import ImpossibleRender


@attrs.frozen
class FrameRange:
    """
    A piece of a capture.

    :ivar start: its first frame, counted from the first that was captured.
    :ivar end: the first frame behind it.
    """

    start: int
    end: int

    @property
    def frames(self) -> int:
        """Its length."""
        return self.end - self.start

    def seconds(self, rate: int) -> float:
        """Its length at ``rate`` frames a second."""
        return self.frames / rate


@attrs.frozen(kw_only=True)
class RenderPlan:
    """
    How a range of a capture becomes the file that is delivered.

    :ivar codec: what kind of file.
    :ivar routing: where its channels come from.
    :ivar bitrate_kbps: wanted rate of an mp3, or None for the usual one.
    :ivar vbr: whether an mp3 has a variable rate.
    """

    codec: Codec
    routing: Routing
    bitrate_kbps: int | None = None
    vbr: bool = False

    @property
    def channels(self) -> int:
        """How many channels the file has."""
        return len(self.routing.outputs)

    @property
    def content_type(self) -> str:
        """The media type of the file."""
        return content_type(self.codec)


def plan_render(
    *,
    output_codec: str | None,
    output_file_name: str,
    channel_map: ChannelMapLike | None,
    selection: Sequence[int],
    channels: int,
    captured_channels: int,
    rate: int,
    bitrate_kbps: int | None = None,
    vbr: bool = False,
) -> RenderPlan:
    """
    Plan one recording of a capture that is ``captured_channels`` wide.

    Without a map, or with a map that includes nothing, the recording has the channels of
    ``selection`` or else its first ``channels``, however wide the group was captured.

    :raises ImpossibleRender: when no such file can be made.
    """
    routing = map_routing(channel_map) if channel_map is not None else None
    plan = RenderPlan(
        codec=choose_codec(output_codec, output_file_name),
        routing=routing or select_routing(selection, channels),
        bitrate_kbps=bitrate_kbps,
        vbr=vbr,
    )
    check_possible(plan, captured_channels=captured_channels, rate=rate)
    return plan


def check_possible(plan: RenderPlan, *, captured_channels: int, rate: int) -> None:
    """
    Check a plan against a capture of that width and rate.

    :raises ImpossibleRender: saying what does not fit and what to change.
    """
    if plan.routing.highest > captured_channels:
        raise ImpossibleRender(
            f"the recording needs captured channel {plan.routing.highest} and the capture has "
            f"{captured_channels}; capture more channels, or correct the channel map"
        )
    routed = not plan.routing.passes_through(captured_channels)
    widest = max(captured_channels, plan.channels)
    if routed and widest > MOST_ROUTED:
        raise ImpossibleRender(
            f"channels can be picked out of at most {MOST_ROUTED} and there are {widest}; "
            "record all of them, or capture fewer"
        )
    check_codec(plan.codec, plan.channels, rate)


def needs_render(plan: RenderPlan, strip: Strip) -> bool:
    """Whether anything must be done, or the captured file already is what was asked for."""
    file = strip.whole_file()
    untouched = plan.routing.passes_through(strip.channels)
    return not (plan.codec == "wav" and file is not None and file.wav and untouched)


def render_args(plan: RenderPlan, strip: Strip, target: Path) -> list[str]:
    """
    Return ffmpeg's arguments.

    A strip that is one range of one file is read by ffmpeg itself, as headerless PCM from the
    first byte of the range, so that no header needs to be right, a range deep in a long capture
    costs nothing to reach, and what is still being appended does not matter: the range ends at its
    frame, not at the end of the file.  Any other strip comes through stdin, as the same PCM.

    :param target: where ffmpeg writes; its name need not tell the kind.
    """
    filters = [f"atrim=end_sample={strip.frames}"]
    if _unpacked(strip.format):
        filters.append(_SIGN_24_BITS)
    if not plan.routing.passes_through(strip.channels):
        filters.append(plan.routing.pan())
    return [
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1"),
        *("-y", "-f", demuxer(strip.format), "-ar", str(strip.rate), "-ac", str(strip.channels)),
        # Mono and stereo may be called so; more channels are not loudspeakers of some layout.
        *("-guess_layout_max", "2", *_input(strip), "-af", ",".join(filters)),
        *codec_args(plan.codec, strip.format, bitrate_kbps=plan.bitrate_kbps, vbr=plan.vbr),
        f"file:{target}",
    ]


def _input(strip: Strip) -> list[str]:
    found = strip.contiguous()
    if found is None:
        return ["-i", "pipe:0"]
    audio, start, _end = found
    skipped = audio.data_offset + start * strip.frame_bytes
    # "file:" because a name may hold a colon or begin with a dash.
    return ["-skip_initial_bytes", str(skipped), "-i", f"file:{audio.path}"]


# The top byte of a 24 bit sample in 4 bytes may hold anything.  Read as 32 bits it is the integer
# part of value * 256, which the modulo takes away; doubles carry all 32 bits, so this is exact.
_SIGN_24_BITS = r"aeval=exprs=mod(val(ch)*256+1\,2)-1:c=same"


def _unpacked(source: SampleFormat) -> bool:
    return source.kind == "signed" and source.bits < source.container_bytes * 8


def demuxer(source: SampleFormat) -> str:
    """Return ffmpeg's name for headerless PCM as it lies in the file."""
    letter = {"signed": "s", "unsigned": "u", "float": "f"}[source.kind]
    bits = source.container_bytes * 8
    order = "" if bits == 8 else ("be" if source.big_endian else "le")  # noqa: PLR2004
    return f"{letter}{bits}{order}"
