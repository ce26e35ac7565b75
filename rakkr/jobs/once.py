"""One claim and its session, as ``--run-next-job`` wants it."""

from __future__ import annotations

from twisted.internet.defer import DeferredList

from rakkr.jobs.crew import Crew
from rakkr.jobs.ending import Result
from rakkr.jobs.refusal import refuse_undecodable
from rakkr.jobs.workplace import Workplace


class NextJob:
    """What is queued first for this node, beside whatever an earlier agent left unfinished."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._crew = Crew(place)
        self._dismissed = False

    def dismiss(self) -> None:
        """End the recording now, and deliver what there is."""
        self._dismissed = True
        for session in self._crew.sessions:
            session.dismiss()

    async def run(self) -> list[Result] | None:
        """
        Claim and do it.

        :returns: None when nothing is queued.
        :raises ControllerError: when nothing could be claimed.
        """
        await self._crew.open()
        try:
            group = await self._place.controller.claim_next_group()
            if group is None:
                return None
            refused = [await refuse_undecodable(self._place, each) for each in group.undecodable]
            await self._crew.take_on(group.jobs)
            if self._dismissed:
                self.dismiss()
        finally:
            await self._all_done()
        done = [self._crew.results.get(job.id) for job in group.jobs]
        return [*refused, *(each for each in done if each is not None)]

    async def _all_done(self) -> None:
        while self._crew.works:
            await DeferredList(self._crew.works)

    async def gone(self) -> None:
        """Wait until no lease is held and no program runs, after a cancelled :meth:`run`."""
        sessions = self._crew.sessions
        for work in self._crew.works:
            work.cancel()
        await DeferredList([session.when_gone() for session in sessions])
        await self._place.ledger.flush()
