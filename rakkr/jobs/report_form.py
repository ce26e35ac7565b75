"""The report of a recording as its file and its event have it; numbers only, no doing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rakkr.audio.recap import ChannelRecap, Cut, Recap, Spot
from rakkr.jobs.timeline import Timeline

MOST_EVENT_BYTES: Final = 15 * 1024
"""What the details of the event may take: an event with its ids stays below 16 KiB."""
_SILENT_DBFS: Final = -60.0
_FEW: Final = 8
_SHORT: Final = 120
Document = dict[str, Any]


def cuts_of(timeline: Timeline, start: int, end: int) -> list[Cut]:
    """Say which frames of which files a range of a take is made of."""
    found = []
    for each in timeline.placed:
        first, last = max(each.start, start), min(each.end, end)
        if first < last:
            found.append(Cut(each.audio.path, first - each.start, last - first, first - start))
    return found


def report_of(account: Mapping[str, Any], cuts: Sequence[Cut], recap: Recap) -> Document:
    """
    Everything that is known, as the file has it.

    :param account: as the job tells it; see :func:`rakkr.jobs.account.account_of`.
    """
    rate = account["rate"]
    return {
        "channels": [_channel(each) for each in recap.channels],
        "driftPpm": account["driftPpm"],
        "dropoutCount": account["dropoutCount"],
        "dropoutMilliseconds": account["dropoutMilliseconds"],
        "files": [
            {"atFrame": each.at, "frames": each.frames, "path": str(each.path)}
            | {"startFrame": each.start}
            for each in cuts
        ],
        "frames": account["capturedFrames"],
        "gapCount": len(account["gaps"]),
        "gaps": account["gaps"],
        "measuredSeconds": round(recap.measured_seconds, 3),
        "missingFrames": account["missingFrames"],
        "plannedFrames": account["plannedFrames"],
        "rate": rate,
        "reason": account["reason"],
        "seconds": round(account["capturedFrames"] / rate, 3),
        "worstClipped": [_spot(each) for each in recap.clipped],
        "worstSilent": [_spot(each) for each in recap.silent],
    }


def event_of(report: Document, path: str | None, most: int = MOST_EVENT_BYTES) -> Document:
    """
    The report as an event has it: all channels if that fits, else a summary.

    :param path: where the file with everything is; None where it could not be written.
    """
    whole = {key: value for key, value in report.items() if key != "files"}
    whole["channels"] = [_in_event(each) for each in report["channels"]]
    whole["reportPath"] = path
    for smaller in _smaller(whole):
        if len(json.dumps(smaller, ensure_ascii=False).encode()) <= most:
            return smaller
    needed = ("frames", "measuredSeconds", "rate", "reportPath", "seconds")
    return {key: whole[key] for key in needed}


def _smaller(whole: Document) -> Iterator[Document]:
    yield whole
    less = {key: value for key, value in whole.items() if key != "channels"}
    less["channelSummary"] = _summary(whole["channels"])
    yield less
    short: Document = {"worstClipped": [], "worstSilent": []}
    gaps = [{**each, "reason": each["reason"][:_SHORT]} for each in whole["gaps"][:_FEW]]
    spots = {key: [_narrow(each) for each in whole[key][:_FEW]] for key in short}
    yield {**less, "gaps": gaps, **spots}
    yield {**less, "gaps": gaps, **short, "reason": less["reason"][:_SHORT]}


def _summary(channels: Sequence[Document]) -> Document:
    """What can be said of many channels in a line."""
    loudest = max(channels, key=lambda each: float(each["peakDbfs"]), default=None)
    return {
        "clippedChannels": sum(each["clippedSeconds"] > 0 for each in channels),
        "count": len(channels),
        "loudestChannel": None if loudest is None else loudest["channel"],
        "peakDbfs": None if loudest is None else loudest["peakDbfs"],
        "silentChannels": sum(each["peakDbfs"] <= _SILENT_DBFS for each in channels),
    }


def _in_event(channel: Document) -> Document:
    left_out = {"clipped", "silent", "speechHeardSeconds"}
    return {key: value for key, value in channel.items() if key not in left_out}


def _narrow(spot: Document) -> Document:
    return {**spot, "channels": spot["channels"][:_FEW], "channelCount": len(spot["channels"])}


def _channel(each: ChannelRecap) -> Document:
    return {
        "channel": each.channel,
        "clipped": [_spot(spot) for spot in each.clipped],
        "clippedSeconds": round(each.clipped_seconds, 6),
        "loudnessLufs": None if each.loudness_lufs is None else round(each.loudness_lufs, 1),
        "peakDbfs": round(each.peak_dbfs, 2),
        "rmsDbfs": round(each.rms_dbfs, 2),
        "silent": [_spot(spot) for spot in each.silent],
        "silentSeconds": round(each.silent_seconds, 3),
        "speechHeardSeconds": round(each.speech_heard_seconds, 3),
        "speechShare": None if each.speech_share is None else round(each.speech_share, 3),
        "truePeakDbtp": round(each.true_peak_dbtp, 2),
    }


def _spot(each: Spot) -> Document:
    found: Document = {"channels": list(each.channels), "seconds": round(each.seconds, 3)}
    found["startSeconds"] = round(each.start_seconds, 3)
    return found | ({"samples": each.samples} if each.samples else {})
