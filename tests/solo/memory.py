"""A whole controller without a network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import attrs
from twisted.internet.defer import maybeDeferred

from rakkr.solo.controller import MAXIMUM_UPLOAD, SoloController, build_controller
from rakkr.solo.resource import SoloResource
from rakkr.solo.store import Store


@attrs.frozen
class MemorySolo:
    """A controller, and what is needed to talk to it through ``treq.testing``."""

    resource: SoloResource
    controller: SoloController
    node_token: str
    operator_token: str


def memory_solo(
    *,
    directory: Path,
    now: Callable[[], float],
    node_id: str = "node_1",
    maximum_upload: int = MAXIMUM_UPLOAD,
) -> MemorySolo:
    """
    A controller with its database in memory, counted ids, and no threads.

    :param directory: gets the uploaded files.
    """
    counter = itertools.count(1)
    controller = build_controller(
        Store(None),
        directory=directory,
        node_id=node_id,
        node_token="rakkr_node_memory",
        operator_token="rakkr_op_memory",
        now=now,
        token_bytes=lambda length: next(counter).to_bytes(length, "big"),
        in_thread=maybeDeferred,
        maximum_upload=maximum_upload,
    )
    return MemorySolo(
        SoloResource(controller), controller, "rakkr_node_memory", controller.operator_token
    )
