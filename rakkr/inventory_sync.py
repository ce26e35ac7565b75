"""Telling the controller which inputs there are, until it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError, Rejected
from rakkr.controller.interface import IController
from rakkr.controller.messages import Node
from rakkr.health.edge import Edge, Emitter
from rakkr.health.problems import OpenProblems
from rakkr.inventory.document import channels_of, key_of
from rakkr.inventory.theirs import Directory
from rakkr.inventory.theirs import key_of as their_key

LASTING_SECONDS: Final = 30.0
"""So long inputs must all be gone, or one have fewer channels, until the controller is told."""
_UNFIT: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)

Interfaces = Sequence[Mapping[str, Any]]


@attrs.frozen(kw_only=True)
class Told:
    """
    What there is to tell.

    :ivar summary: the members of the contract's event.
    :ivar interfaces: None when nobody knows, because what is not listed is taken for gone.
    :ivar assumed: the inputs of which nobody told how many channels they have, by their keys.
    """

    summary: Mapping[str, Any]
    interfaces: Interfaces | None
    assumed: frozenset[str] = frozenset()


class InventorySync:
    """
    Posts the inputs when they are other than those that the controller has accepted.

    What it refuses as unfit is not sent again until something changes; anything else is tried again
    the next time.  An input keeps the number of channels that the controller has while fewer are a
    guess, or have just been seen, because the ports of a program come one by one: the controller
    drops the channels above, with the labels that an operator gave them.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        controller: IController,
        evidence: Emitter,
        directory: Directory,
        problems: OpenProblems | None = None,
    ) -> None:
        """
        :param directory: where the controller's ids are kept; others read there.
        :param problems: where it is remembered over a restart what was reported.
        """
        self._clock = clock
        self._controller = controller
        self._evidence = evidence
        self._directory = directory
        prefix = "agent.node_inventory.sync_"
        self._edge = Edge(evidence, f"{prefix}failed", f"{prefix}recovered", problems=problems)
        self._accepted: Interfaces | None = None
        self._confirmed: frozenset[str] = frozenset()
        self._refused: Interfaces | None = None
        self._empty_since: float | None = None
        self._narrow_since: dict[str, float] = {}
        self._heard = False

    def heard(self, node: Node) -> None:
        """Take in the controller's list of the inputs, from any of its answers."""
        self._heard = True
        self._directory.interfaces = node.interfaces
        missing = self._confirmed - _present(node)
        if self._accepted is not None and missing:
            self.log.warn(
                "the controller no longer knows {inputs}: it is told again",
                inputs=", ".join(sorted(missing)),
            )
            self._accepted, self._confirmed = None, frozenset()

    async def tell(self, told: Told) -> None:
        """Post what there is, if the controller does not have it."""
        interfaces = self._due(told)
        if interfaces is None or interfaces in (self._accepted, self._refused):
            return
        try:
            node = await self._controller.post_inventory(interfaces)
        except ControllerError as error:
            self._failed(told, interfaces, error)
            return
        self._accepted, self._refused = interfaces, None
        self._confirmed = _present(node) & frozenset(map(key_of, interfaces))
        self.heard(node)
        self._edge.worked({**told.summary, "error": None})

    def _due(self, told: Told) -> Interfaces | None:
        """What may be told now; None while that would do harm."""
        if told.interfaces is None or (told.assumed and not self._heard):
            return None
        if told.interfaces:
            self._empty_since = None
            return [self._as_wide(each, told.assumed) for each in told.interfaces]
        now = self._clock.seconds()
        self._empty_since = now if self._empty_since is None else self._empty_since
        known = any(not each.absent for each in self._directory.interfaces)
        return [] if known and now - self._empty_since >= LASTING_SECONDS else None

    def _as_wide(self, each: Mapping[str, Any], assumed: frozenset[str]) -> Mapping[str, Any]:
        """An input with at least the channels that the controller has, until fewer are certain."""
        key, now = key_of(each), self._clock.seconds()
        known = self._directory.interfaces
        count = next((x.channel_count for x in known if their_key(x) == key), 0)
        if each["channelCount"] >= count:
            self._narrow_since.pop(key, None)
            return each
        since = self._narrow_since.setdefault(key, now)
        if key not in assumed and now - since >= LASTING_SECONDS:
            return each
        channels = [*each["channels"], *channels_of(count)[each["channelCount"] :]]
        return {**each, "channelCount": count, "channels": channels}

    def _failed(self, told: Told, interfaces: Interfaces, error: ControllerError) -> None:
        unfit = isinstance(error, Rejected) and error.status in _UNFIT
        if unfit:
            self._refused = interfaces
        details = {**told.summary, "error": str(error)}
        if unfit and self._edge.failures:  # an outage was told of, and this is another matter
            self._evidence.emit(self._edge.failed_type, "warning", details)
            self._edge.failures += 1
        else:
            self._edge.failed(details)
        self.log.warn("the inputs of this node: {error}", error=str(error))


def _present(node: Node) -> frozenset[str]:
    return frozenset(their_key(each) for each in node.interfaces if not each.absent)
