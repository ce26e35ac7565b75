"""What to do about a job, from what the controller says of it."""

from __future__ import annotations

from enum import Enum

import attrs

STOP_WINDOW_SECONDS = 30.0
"""How long a controller goes on taking the upload of a stopped job (http-api 9.3)."""


class Wish(Enum):
    """What the controller wants of a recording that this agent holds."""

    RECORD = "go on"
    DELIVER = "end the recording now, and upload what there is"
    FINISH = "nobody waits for it any more, yet the room still speaks: record on, keep it here"
    KEEP = "end the recording now, and keep what there is here"


@attrs.frozen
class Standing:
    """
    A job as the controller last described it.

    :ivar wish: what follows from it.
    :ivar status: the controller's own word for the job.
    :ivar reason: the controller's reason, where it gave one.
    :ivar deliver_before: controller time in epoch seconds until which an upload may begin, or None.
    """

    wish: Wish
    status: str
    reason: str | None = None
    deliver_before: float | None = None


def standing_of(
    status: str, reason: str | None = None, stop_requested_at: float | None = None
) -> Standing:
    """
    Judge a job by its status.

    A lease that expired is no operator's wish: what is being said in the room is recorded to the
    end of its window (house plan, "controller away longer than the lease").

    :param stop_requested_at: controller time in epoch seconds.
    """
    if status in {"queued", "running"}:
        return Standing(Wish.RECORD, status, reason)
    if status == "stop_requested":
        before = None if stop_requested_at is None else stop_requested_at + STOP_WINDOW_SECONDS
        return Standing(Wish.DELIVER, status, reason, before)
    if status == "failed" and reason == "lease_expired":
        return Standing(Wish.FINISH, status, reason)
    return Standing(Wish.KEEP, status, reason)


VANISHED = Standing(Wish.FINISH, "unknown", "the controller does not know the job any more")
"""The job is not found, or is another node's: nobody asked for an end, so we record on."""


def upload_may_succeed(standing: Standing) -> bool:
    """
    Whether a controller in this state can still accept the upload.

    A completed job takes a repeated upload (http-api 7.4), so one whose answer was lost is sent
    again until its receipt is read.
    """
    return standing.status not in {"failed", "cancelled", VANISHED.status}
