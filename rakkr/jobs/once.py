"""One claim and its session, as ``--run-next-job`` wants it."""

from __future__ import annotations

from rakkr.controller.messages import UndecodableJob
from rakkr.jobs.marks import Marks
from rakkr.jobs.member import Result
from rakkr.jobs.refusal import refuse_undecodable
from rakkr.jobs.session import Session
from rakkr.jobs.together import side_by_side
from rakkr.jobs.workplace import Workplace


class NextJob:
    """What is queued first for this node."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._session: Session | None = None
        self._dismissed = False

    def dismiss(self) -> None:
        """End the recording now, and deliver what there is."""
        self._dismissed = True
        if self._session is not None:
            self._session.dismiss()

    async def run(self) -> list[Result] | None:
        """
        Claim and do it.

        :returns: None when nothing is queued.
        :raises ControllerError: when nothing could be claimed.
        """
        group = await self._place.controller.claim_next_group()
        if group is None:
            return None
        marks = Marks(self._place.clock, self._place.controller)
        works = [self._refuse(marks, broken) for broken in group.undecodable]
        if group.jobs:
            self._session = Session(self._place, group.jobs)
            if self._dismissed:
                self._session.dismiss()
            works.insert(0, self._session.run())
        return [result for results in await side_by_side(works) for result in results]

    async def _refuse(self, marks: Marks, broken: UndecodableJob) -> list[Result]:
        return [await refuse_undecodable(self._place, marks, broken)]

    async def gone(self) -> None:
        """Wait until no lease is held and no program runs, after a cancelled :meth:`run`."""
        if self._session is not None:
            await self._session.when_gone()
