"""What every test gets: one BLAS thread, reproducible properties, and no failure that is lost."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

import pytest
from hypothesis import settings
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

# No deadline per example: this machine may be busy, and speed is measured in benchmarks/.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """Set aside what thousands of tests are made of, or each ``gc.collect`` would walk it."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let the interpreter end as it would have."""
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def no_lost_failures(request: pytest.FixtureRequest) -> Iterator[list[LogEvent]]:
    """
    Fail the test when a failure was logged, or a Deferred's failure was collected unseen.

    trial's own test cases do this themselves (and can flush what they expect).  A test that expects
    logged failures empties the list that this fixture yields.
    """
    lost: list[LogEvent] = []
    if request.cls is not None and issubclass(request.cls, SynchronousTestCase):
        yield lost
        return

    @provider(ILogObserver)
    def see(event: LogEvent) -> None:
        if event.get("log_failure") is not None:
            lost.append(event)

    gc.collect()
    globalLogPublisher.addObserver(see)
    yield lost
    gc.collect()
    globalLogPublisher.removeObserver(see)
    assert not lost, [each["log_failure"].getTraceback() for each in lost]
