"""HeartbeatService: liveness, inventory, clock skew, and the settings that the controller keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.clock import WallTime
from rakkr.controller.errors import ControllerError
from rakkr.controller.interface import IController
from rakkr.controller.messages import Node
from rakkr.health.edge import Edge, Emitter
from rakkr.health.problems import OpenProblems
from rakkr.inventory.theirs import Directory
from rakkr.inventory_sync import InventorySync, Told
from rakkr.live import LiveSettings
from rakkr.periodic import Periodic

CLOCK_SKEW = "agent.system.clock_skew"
SKEW_WARNING_SECONDS = 5
SKEW_RECOVERED_SECONDS = 2


@attrs.frozen(kw_only=True)
class Description:
    """
    What the node says of itself.

    :ivar heartbeat: the heartbeat's body for a status.
    :ivar inputs: for the inventory.
    """

    heartbeat: Callable[[str], Mapping[str, Any]]
    inputs: Told

    @property
    def summary(self) -> Mapping[str, Any]:
        """The members of the contract's heartbeat events."""
        return self.inputs.summary


class HeartbeatService(MultiService):
    """
    Beats at once and then every ``seconds``.

    Each duty has a timer of its own: a slow probe, config or inventory never holds a beat up.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: WallTime,
        controller: IController,
        evidence: Emitter,
        live: LiveSettings,
        *,
        describe: Callable[[], Awaitable[Description]],
        first: Description,
        status: Callable[[], str],
        seconds: float,
        directory: Directory,
        problems: OpenProblems | None = None,
    ) -> None:
        """
        :param describe: probes this machine; may take its time.
        :param first: what is said before the first probe answered.
        :param status: the node's status in the controller's words.
        :param directory: where the controller's ids for our inputs are kept.
        :param problems: where it is remembered over a restart what was reported.
        """
        super().__init__()
        self.setName("heartbeat")
        self._wall = wall
        self._controller = controller
        self._live = live
        self._describe = describe
        self._description = first
        self._status = status
        self._evidence = evidence
        self._problems_told = problems
        self._skewed = problems is not None and problems.get(CLOCK_SKEW) is not None
        self._problems: dict[str, tuple[str, ...]] = {}
        prefix = "agent.node_"
        self._beats, self._configs = (
            Edge(
                evidence,
                f"{prefix}{what}.sync_failed",
                f"{prefix}{what}.sync_recovered",
                problems=problems,
            )
            for what in ("heartbeat", "config")
        )
        self._inventory = InventorySync(clock, controller, evidence, directory, problems)
        for name, work in (
            ("the heartbeat", self._beat),
            ("reading the node's config", self._read_config),
            ("probing this machine", self._probe),
        ):
            Periodic(clock, seconds, work, name=name).setServiceParent(self)

    async def _beat(self) -> None:
        said = self._description
        try:
            node = await self._controller.heartbeat(said.heartbeat(self._status()))
        except ControllerError as error:
            self.log.warn("heartbeat: {error}", error=str(error))
            self._beats.failed({**said.summary, "error": str(error)})
            return
        self._beats.worked({**said.summary, "error": None})
        self._learn(node)
        self._judge_skew()

    def _learn(self, node: Node) -> None:
        self._inventory.heard(node)
        self._mention("node", node.problems)

    def _mention(self, what: str, problems: tuple[str, ...]) -> None:
        """Say what the controller sent that could not be read, once for as long as it is so."""
        if problems != self._problems.get(what, ()):
            for problem in problems:
                self.log.warn("the controller's {what}: {problem}", what=what, problem=problem)
        self._problems[what] = problems

    def _judge_skew(self) -> None:
        """The limits of http-api.md section 11: warn above 5 s, well again at 2 s."""
        if self._wall.skew_seconds is None:
            return
        skew = int(self._wall.skew_seconds)
        facts = {
            "absoluteSkewSeconds": abs(skew),
            "nodeId": self._live.base.node_id,
            "skewSeconds": skew,
        }
        if abs(skew) > SKEW_WARNING_SECONDS and not self._skewed:
            warning = {**facts, "warningSeconds": SKEW_WARNING_SECONDS}
            self._evidence.emit(CLOCK_SKEW, "warning", warning)
            self._set_skewed("warning")
        elif abs(skew) <= SKEW_RECOVERED_SECONDS and self._skewed:
            self._evidence.emit(f"{CLOCK_SKEW}_recovered", "info", facts)
            self._set_skewed(None)

    def _set_skewed(self, how: str | None) -> None:
        self._skewed = how is not None
        if self._problems_told is not None:
            self._problems_told.put(CLOCK_SKEW, how)

    async def _read_config(self) -> None:
        facts = {"nodeId": self._live.base.node_id}
        nothing = {
            "audioDefaultsConfigured": None,
            "maxConcurrentRecordings": None,
            "recorderCachePolicyCount": None,
        }
        try:
            config = await self._controller.node_config()
        except ControllerError as error:
            self._configs.failed({**facts, **nothing, "error": str(error)})
            return
        self._mention("config", config.problems)
        changed = self._live.apply(config)
        if changed:
            self.log.info(
                "the controller's settings hold now: {capacity} recordings at once",
                capacity=self._live.capacity,
            )
        self._configs.worked(
            {
                **facts,
                "audioDefaultsConfigured": self._live.current != self._live.base,
                "error": "; ".join(config.problems) or None,
                "maxConcurrentRecordings": config.max_concurrent_recordings,
                "recorderCachePolicyCount": len(config.recorder_cache_policies),
            }
        )

    async def _probe(self) -> None:
        self._description = await self._describe()
        await self._inventory.tell(self._description.inputs)
