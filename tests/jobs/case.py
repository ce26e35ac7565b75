"""A session in a shop, and another agent that goes on with it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected
from rakkr.controller.messages import Job
from rakkr.jobs.crew import Crew
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.journal import Journal
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.session import Session
from rakkr.stamps import format_stamp
from tests.jobs.making import told
from tests.jobs.shop import Shop

PREFIX = "agent.recording_job."


class SessionCase(SynchronousTestCase):
    """A session in a shop."""

    def setUp(self) -> None:
        self.known: dict[str, Job] = {}
        self.open_shop()

    def open_shop(self, **settings: Any) -> None:
        """Begin with other settings."""
        self.shop = Shop(**settings)
        self.addCleanup(shutil.rmtree, self.shop.directory)
        self.controller = self.shop.controller

    def tearDown(self) -> None:
        self.assertEqual(self.shop.reactor.getDelayedCalls(), [])

    def knows(self, *jobs: Job) -> None:
        """Let the controller know these jobs, and say that they are as they are."""
        self.known |= {job.id: job for job in jobs}
        for name in ("heartbeat_job", "get_job"):
            self.controller.answers[name] = [lambda job_id: self.known[job_id]]

    def begin(self, *jobs: Job) -> Deferred[list[Result]]:
        """Run a session for these jobs; every look at one shows it running."""
        self.knows(*jobs)
        self.handed_back: list[Journal] = []
        self.session = Session(
            self.shop.place, self.shop.claim(*jobs), "take-1", self.handed_back.append
        )
        return Deferred.fromCoroutine(self.session.run())

    def tell(self, number: int, status: str, **facts: Any) -> None:
        """Let the controller say something else of a job."""
        job_id = f"job_{number}"
        self.known[job_id] = told(self.known[job_id], status, **facts)
        refusal = Rejected(409, "", "job heartbeat")
        self.controller.answers["heartbeat_job"] = [
            lambda asked: self.known[asked] if self.known[asked].status == "running" else refusal
        ]

    def stop(self, number: int = 1) -> None:
        """Let an operator stop a job at this moment."""
        now = format_stamp(self.shop.place.wall.controller_now())
        self.tell(number, "stop_requested", stop_requested_at=now)

    def endings(self, done: Deferred[list[Result]]) -> list[Ending]:
        """How the jobs of a finished session ended."""
        return [result.ending for result in self.successResultOf(done)]

    def journal(self, number: int = 1) -> Journal:
        """The journal of a job."""
        journal = self.shop.place.ledger.journal(f"job_{number}")
        assert journal is not None
        return journal

    def remembered(self, number: int = 1) -> Remembered:
        """What the journal of a job says."""
        return self.journal(number).remembered

    # Events

    def told_types(self) -> list[str]:
        """The events so far, without the prefix that they share."""
        return [each.removeprefix(PREFIX) for each in self.shop.evidence.types()]

    def told_of(self, name: str) -> Mapping[str, Any]:
        """The details of the only event of a name."""
        return self.shop.evidence.details(PREFIX + name)

    def every(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Severity and details of every event of a name."""
        events = self.shop.evidence.events
        return [
            (severity, details) for type_, severity, details, _ in events if type_ == PREFIX + name
        ]

    # Another agent

    def leave(self, done: Deferred[list[Result]]) -> None:
        """End the agent as a restart does: captures are left running."""
        self.session.keep_running()
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.successResultOf(self.session.when_gone())

    def go_on(self, down: float = 0.0, *, boot_id: str | None = None) -> Crew:
        """Let another agent begin, which reads the journals."""
        self.shop.restart(down, boot_id=boot_id)
        crew = Crew(self.shop.place)
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        return crew

    def abandon(self, crew: Crew) -> None:
        """End an agent as a restart does; its journals are as they are."""
        sessions = crew.sessions
        for session in sessions:
            session.keep_running()
        for work in crew.works:
            work.cancel()
        for session in sessions:
            self.successResultOf(session.when_gone())
