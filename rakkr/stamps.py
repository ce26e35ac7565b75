"""Time stamps as they stand on the wire: UTC, milliseconds, always a trailing ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime


def format_stamp(unix_seconds: float) -> str:
    """
    Write a moment as ``YYYY-MM-DDTHH:MM:SS.mmmZ``.

    The controller's monitor route refuses ``+00:00``, so nothing of ours ever writes it.

    :param unix_seconds: seconds since 1970-01-01T00:00:00Z.
    """
    moment = datetime.fromtimestamp(round(unix_seconds * 1000) / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_stamp(text: str) -> float:
    """
    Read an ISO 8601 moment; one without a zone is taken as UTC.

    :returns: seconds since 1970-01-01T00:00:00Z.
    :raises ValueError: when the text is no ISO 8601 date and time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
