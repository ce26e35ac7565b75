"""
Which uploads are let in: decided from the head of a request, before any byte of its body.

Later checks (:func:`read_duration`, :func:`read_chunk`) are made when the body has come,
as the reference controller makes them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from rakkr.solo.lifecycle import GIVEN_UP, Job

Rendition = Literal["primary", "raw", "enhanced"]

_DECIMAL = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_CODECS: Mapping[str, str] = {"flac": "audio/flac", "mp3": "audio/mpeg", "wav": "audio/wav"}
_EXTENSION = re.compile(r"\.(flac|mp3|wav)\Z", re.IGNORECASE)


class Refused(Exception):
    """
    A request that is answered with an error.

    :ivar status: the HTTP status.
    :ivar taints: whether the recording gets a health event for it, and how bad a one.
    """

    def __init__(
        self, status: int, error: str, *, taints: Literal["warning", "critical"] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.taints = taints


@attrs.frozen
class Target:
    """What an upload is aimed at, as far as it exists."""

    recording_node: str | None
    recording_status: str
    jobs: Sequence[Job]


def owning_job(target: Target, named: Job | None, named_id: str | None, node_id: str) -> Job | None:
    """
    The job that an upload belongs to.

    :param named: the job of the header, if there is such a job.
    :param named_id: the header, None without one.
    :returns: None when the recording never had a job.
    :raises Refused: 404, 403 or 409.
    """
    if named_id is not None:
        if named is None:
            raise Refused(404, "Recording job not found")
        if named.node_id != node_id:
            raise Refused(403, "Recording job belongs to another node")
        if all(job.id != named.id for job in target.jobs):
            raise Refused(403, "Recording job belongs to another recording")
        if named.status in GIVEN_UP:
            raise Refused(409, f"Recording job is {named.status}")
        return named
    alive = [job for job in target.jobs if job.status not in GIVEN_UP]
    if target.jobs and not alive:
        raise Refused(409, "Every recording job of this recording failed or was cancelled")
    return alive[0] if alive else None


def admit(
    target: Target,
    *,
    node_id: str,
    length: int | None,
    most: int,
    named: Job | None,
    named_id: str | None,
) -> Job | None:
    """
    Let an upload in, or not.

    :param length: the declared length of the body, None when it was not declared.
    :param most: how many bytes a body may have.
    :returns: the job that it belongs to, None when the recording never had one.
    :raises Refused: 404, 403, 413 or 409, checked in this order.
    """
    if target.recording_node is None:
        raise Refused(404, "Recording not found")
    if target.recording_node != node_id:
        raise Refused(403, "Recording belongs to another node")
    if length is not None and length > most:
        raise Refused(413, f"The file is larger than {most} bytes", taints="warning")
    if target.recording_status == "failed":
        raise Refused(409, "Recording has failed")
    return owning_job(target, named, named_id, node_id)


def read_rendition(value: str | None) -> Rendition:
    """``raw`` or ``enhanced`` exactly; anything else is the primary rendition."""
    if value == "raw":
        return "raw"
    return "enhanced" if value == "enhanced" else "primary"


def read_duration(value: str | None) -> int | None:
    """
    Whole seconds from the duration header, halves rounded up; None without one.

    :raises Refused: 400 for what is no decimal number of at least 0.
    """
    if value is None:
        return None
    seconds = float(value) if _DECIMAL.match(value.strip()) else math.nan
    if not math.isfinite(seconds):
        raise Refused(400, "Invalid duration", taints="warning")
    return math.floor(seconds + 0.5)


def read_chunk(value: str | None) -> int | None:
    """
    The chunk number on the wire, from 0; None for a whole recording.  An empty text is 0.

    :raises Refused: 400 for what is no whole number of at least 0.
    """
    if value is None:
        return None
    if not value.strip():
        return 0
    number = float(value) if _DECIMAL.match(value.strip()) else math.nan
    if not math.isfinite(number) or number != int(number):
        raise Refused(400, "Invalid chunk", taints="warning")
    return int(number)


def read_chunk_total(value: str | None) -> int | None:
    """How many chunks there are; anything but a whole number of at least 1 says nothing."""
    if value is None or not _DECIMAL.match(value.strip()):
        return None
    number = float(value)
    if not math.isfinite(number) or number != int(number) or number < 1:
        return None
    return int(number)


def codec_of(file_name: str | None, content_type: str | None) -> str:
    """``flac``, ``mp3`` or ``wav``: from the file name, else from the content type, else mp3."""
    found = _EXTENSION.search(file_name or "")
    if found:
        return found[1].lower()
    kind = (content_type or "").lower()
    return "flac" if "flac" in kind else "wav" if "wav" in kind else "mp3"


def mime_type(codec: str) -> str:
    """The media type of a codec's files."""
    return _CODECS[codec]
