"""What became of a job."""

from __future__ import annotations

from enum import Enum

import attrs

from rakkr.controller.messages import Receipt


class Ending(Enum):
    """What became of a job."""

    DELIVERED = "delivered"
    NOTHING_TO_DELIVER = "cancelled"
    KEPT = "kept"
    FAILED = "failed"


@attrs.frozen
class Result:
    """
    The end of one job.

    :ivar detail: a sentence for the log.
    """

    job_id: str
    ending: Ending
    detail: str
    receipt: Receipt | None = None

    def __str__(self) -> str:
        return f"job {self.job_id}: {self.ending.value}: {self.detail}"
