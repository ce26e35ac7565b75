"""The controller without its network: all parts, put together over one store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from rakkr.solo.jobs import Jobs
from rakkr.solo.ledger import Ledger
from rakkr.solo.nodes import Nodes
from rakkr.solo.recordings import Recordings
from rakkr.solo.signals import Signals
from rakkr.solo.store import Store
from rakkr.solo.tokens import digest
from rakkr.solo.uploads import Uploads
from rakkr.threads import InThread

MAXIMUM_UPLOAD = 4 << 30


@attrs.frozen(kw_only=True)
class SoloController:
    """
    Nodes, their levels and sound, jobs, recordings and uploads of one machine.

    :ivar operator_token: what a person shows.
    :ivar now: wall time in seconds since the epoch.
    """

    store: Store
    nodes: Nodes
    signals: Signals
    jobs: Jobs
    recordings: Recordings
    uploads: Uploads
    operator_token: str
    now: Callable[[], float]

    def node_of(self, token: str) -> str | None:
        """The node that a token belongs to."""
        return self.store.node_of_token(digest(token))


def build_controller(
    store: Store,
    *,
    directory: Path,
    node_id: str,
    node_token: str,
    operator_token: str,
    now: Callable[[], float],
    token_bytes: Callable[[int], bytes],
    in_thread: InThread,
    maximum_upload: int = MAXIMUM_UPLOAD,
) -> SoloController:
    """
    Put a controller together and enrol its node.

    What was left of uploads that never ended is removed.

    :param directory: gets the folders ``recordings`` and ``incoming``.
    :param now: wall time in seconds since the epoch.
    :param in_thread: calls a function in a thread and returns a Deferred of its result.
    :raises OSError: when the folders cannot be made.
    """
    folder, incoming = directory / "recordings", directory / "incoming"
    for each in (folder, incoming):
        each.mkdir(parents=True, exist_ok=True)
    for left in incoming.glob("*.part"):
        left.unlink()
    ledger = Ledger(store, now, token_bytes)
    jobs = Jobs(ledger)
    controller = SoloController(
        store=store,
        nodes=Nodes(ledger),
        signals=Signals(ledger),
        jobs=jobs,
        recordings=Recordings(ledger, jobs, folder=folder, node_id=node_id),
        uploads=Uploads(
            ledger, jobs, folder=folder, incoming=incoming, in_thread=in_thread, most=maximum_upload
        ),
        operator_token=operator_token,
        now=now,
    )
    controller.nodes.enrol(node_id, digest(node_token))
    return controller
