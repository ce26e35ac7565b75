"""Real sockets and real programs: every test has a deadline and leaves the reactor clean."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from rakkr.render.binary import Renderer
from tests.integration.health_logs import faults_below
from tests.integration.render_bench import renderer_named

DEADLINE_SECONDS = 60.0
_WITH_JACK = {
    "test_capture_jack",
    "test_inputs",
    "test_jack_server",
    "test_metering",
    "test_sound_servers",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Give every asynchronous test a deadline: one Deferred must not hang the whole run.

    Tests that start JACK are marked, so that they can run alone: of two clients of one name that
    start at the same moment, even at two servers, one may fail, and every agent looks for JACK.
    """
    for item in items:
        if item.path.stem in _WITH_JACK:
            item.add_marker(pytest.mark.jack)
        function = getattr(item, "obj", None)
        if inspect.iscoroutinefunction(function):
            mark = item.get_closest_marker("deadline")
            item.obj = _bounded(function, mark.args[0] if mark else DEADLINE_SECONDS)  # type: ignore[attr-defined]


def _bounded(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    @functools.wraps(function)
    async def bounded(*args: Any, **kwargs: Any) -> Any:
        running = Deferred.fromCoroutine(function(*args, **kwargs))
        running.addTimeout(seconds, reactor)
        return await running

    return bounded


@pytest.fixture(autouse=True)
def clean_reactor() -> Iterator[None]:
    """Fail the test when it leaves a timer behind."""
    before = set(map(id, reactor.getDelayedCalls()))
    yield
    left = [call for call in reactor.getDelayedCalls() if id(call) not in before]
    for call in left:
        call.cancel()
    assert not left, f"timers left behind: {left}"


@pytest.fixture(autouse=True)
def right_events(tmp_path: Path) -> Iterator[None]:
    """Fail the test when an agent reported in it what the catalogue does not have."""
    yield
    wrong = faults_below(tmp_path)
    assert not wrong, wrong


@pytest.fixture
def need() -> Callable[[str, str], str]:
    """
    Ask for a program: ``need("arecord", "alsa-utils")`` returns its path.

    Where it is missing the test is skipped with the name of its Debian package; in CI, where
    ``.ci/run`` installs everything, that is a failure.
    """

    def find(program: str, package: str) -> str:
        path = shutil.which(program)
        if path is None:
            sentence = f"{program} is not installed: apt-get install {package}"
            if os.environ.get("CI"):
                pytest.fail(sentence)
            pytest.skip(sentence)
        return path

    return find


@pytest.fixture(params=["installed", "bundled"])
def renderer(request: pytest.FixtureRequest, need: Callable[[str, str], str]) -> Renderer:
    """Either ffmpeg."""
    return renderer_named(request.param, need)
