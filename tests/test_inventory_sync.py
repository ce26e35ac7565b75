"""The controller knows the inputs in the end, and nothing that is told it does harm."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.controller.messages import Interface, Node
from rakkr.inventory.theirs import Directory
from rakkr.inventory_sync import LASTING_SECONDS, InventorySync, Told
from tests.fakes.controller import FakeController
from tests.fakes.evidence import SUMMARY, Noted

FAILED, RECOVERED = "agent.node_inventory.sync_failed", "agent.node_inventory.sync_recovered"


def theirs(name: str, channels: int = 2, *, absent: bool = False) -> Interface:
    """An input as the controller has it."""
    return Interface(
        id=f"uuid-{name}", system_name=name, system_ref=name, channel_count=channels, absent=absent
    )


def node(*interfaces: Interface) -> Node:
    """What a controller answers."""
    return Node(id="node", status="online", interfaces=interfaces)


def ours(name: str, channels: int = 2) -> dict[str, Any]:
    """An input as it is told."""
    aliases = [{"alias": f"{name} {index}", "index": index} for index in range(1, channels + 1)]
    return {"systemName": name, "systemRef": name, "channelCount": channels, "channels": aliases}


class SyncCase(SynchronousTestCase):
    """A controller that takes everything, until a test says otherwise."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.noted = Noted()
        self.directory = Directory()
        self.controller = FakeController(post_inventory=[self.accept])
        self.subject = InventorySync(self.clock, self.controller, self.noted, self.directory)

    @staticmethod
    def accept(interfaces: Any) -> Node:
        """Answer as a controller does: with what it was told."""
        return node(*(theirs(each["systemRef"], each["channelCount"]) for each in interfaces))

    def tell(self, *interfaces: dict[str, Any], assumed: tuple[str, ...] = ()) -> None:
        """Tell what there is."""
        self.say(Told(summary=SUMMARY, interfaces=interfaces, assumed=frozenset(assumed)))

    def say(self, told: Told) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.subject.tell(told)))

    def posted(self) -> list[list[str]]:
        """The names that were posted, post by post."""
        calls = self.controller.named("post_inventory")
        return [[each["systemName"] for each in call[1]] for call in calls]


class SyncTests(SyncCase):
    def test_once(self) -> None:
        """What was accepted is not told again, and what has changed is."""
        self.tell(ours("a"))
        self.tell(ours("a"))
        self.tell(ours("a"), ours("b"))
        self.tell(ours("b"))
        self.assertEqual(self.posted(), [["a"], ["a", "b"], ["b"]])
        self.assertEqual(self.noted.events, [])

    def test_ids(self) -> None:
        """The controller's ids are known from its answer to the post, and from any other."""
        self.tell(ours("a"))
        self.assertEqual([each.id for each in self.directory.interfaces], ["uuid-a"])
        self.subject.heard(node(theirs("a"), theirs("b")))
        self.assertEqual(len(self.directory.interfaces), 2)

    def test_nobody_knows(self) -> None:
        """From a probe that failed nothing is told."""
        self.say(Told(summary={}, interfaces=None))
        self.assertEqual(self.posted(), [])

    def test_until_accepted(self) -> None:
        """An outage is one event, and its end another, with the number of failures."""
        passing = [Unreachable("refused"), Rejected(503, ""), Unauthorised(""), Rejected(404, "")]
        self.controller.answers["post_inventory"] = [*passing, self.accept]
        for _ in range(6):
            self.tell(ours("a"))
        self.assertEqual(len(self.posted()), 5)
        self.assertEqual(self.noted.types(), [FAILED, RECOVERED])
        self.assertIn("refused", self.noted.details(FAILED)["error"])
        self.assertEqual(self.noted.details(RECOVERED)["failureCount"], 4)
        self.assertEqual(self.noted.details(RECOVERED)["nodeId"], SUMMARY["nodeId"])

    def test_unfit(self) -> None:
        """What is refused as unfit is told of, and not sent again until it is another."""
        self.controller.answers["post_inventory"] = [Rejected(400, "alias too long"), self.accept]
        for _ in range(3):
            self.tell(ours("a"))
        self.assertEqual((len(self.posted()), self.noted.types()), (1, [FAILED]))
        self.tell(ours("b"))
        self.assertEqual((len(self.posted()), self.noted.types()), (2, [FAILED, RECOVERED]))

    def test_unfit_after_an_outage(self) -> None:
        """That the inputs are unfit is told although an outage was told of before."""
        self.controller.answers["post_inventory"] = [Unreachable("refused"), Rejected(400, "bad")]
        for _ in range(3):
            self.tell(ours("a"))
        self.assertEqual(self.noted.types(), [FAILED, FAILED])
        self.assertIn("bad", self.noted.events[-1][2]["error"])

    def test_unfit_and_back(self) -> None:
        """The inputs that were accepted before hold when they are there again."""
        self.tell(ours("a"))
        self.controller.answers["post_inventory"] = [Rejected(400, "bad")]
        self.tell(ours("a"), ours("b"))
        self.tell(ours("a"))
        self.assertEqual(len(self.posted()), 2)

    def test_forgotten(self) -> None:
        """A controller that no longer knows what it had accepted is told again, once."""
        self.tell(ours("a"), ours("b"))
        self.subject.heard(node(theirs("a"), theirs("b"), theirs("other")))
        self.tell(ours("a"), ours("b"))
        self.assertEqual(len(self.posted()), 1)
        self.subject.heard(node(theirs("a"), theirs("b", absent=True)))
        for _ in range(2):
            self.tell(ours("a"), ours("b"))
        self.assertEqual(len(self.posted()), 2)

    def test_never_known(self) -> None:
        """A controller that calls an input otherwise is not told for ever."""
        self.controller.answers["post_inventory"] = [node(theirs("renamed"))]
        for _ in range(3):
            self.tell(ours("a"))
            self.subject.heard(node(theirs("renamed")))
        self.assertEqual(len(self.posted()), 1)

    def test_nothing_left(self) -> None:
        """That a machine has no input is told when that has lasted, and only if it had one."""
        self.tell()
        self.clock.advance(10 * LASTING_SECONDS)
        self.tell()
        self.assertEqual(self.posted(), [])
        self.tell(ours("a"))
        self.tell()
        self.clock.advance(LASTING_SECONDS - 0.1)
        self.tell()
        self.assertEqual(self.posted(), [["a"]])
        self.clock.advance(0.1)
        for _ in range(2):
            self.tell()
        self.assertEqual(self.posted(), [["a"], []])

    def test_back_in_time(self) -> None:
        """An input that is back before that is nothing to tell."""
        self.tell(ours("a"))
        for _ in range(3):
            self.tell()
            self.clock.advance(LASTING_SECONDS - 0.1)
            self.tell(ours("a"))
        self.assertEqual(self.posted(), [["a"]])


class WidthTests(SyncCase):
    """How many channels an input has that nobody told of."""

    def width(self) -> int:
        """How many channels were told last."""
        told = self.controller.named("post_inventory")[-1][1][0]
        self.assertEqual(len(told["channels"]), told["channelCount"])
        width = told["channelCount"]
        assert isinstance(width, int)
        return width

    def test_a_guess(self) -> None:
        """A guess does not make an input narrower than the controller has it."""
        self.subject.heard(node(theirs("a", 32)))
        self.tell(ours("a", 2), assumed=("a",))
        self.assertEqual(self.width(), 32)
        self.assertEqual(len(self.posted()), 1)

    def test_wider(self) -> None:
        """A guess may make it wider."""
        self.subject.heard(node(theirs("a", 4)))
        self.tell(ours("a", 8), assumed=("a",))
        self.assertEqual(self.width(), 8)

    def test_narrower(self) -> None:
        """What is known may make it narrower, when that has lasted; a guess never."""
        for assumed, width in (((), 2), (("a",), 8)):
            self.tell(ours("a", 8))
            self.tell(ours("a", 2), assumed=assumed)
            self.clock.advance(LASTING_SECONDS - 0.1)
            self.tell(ours("a", 2), assumed=assumed)
            self.assertEqual(self.width(), 8)
            self.clock.advance(0.1)
            self.tell(ours("a", 2), assumed=assumed)
            self.assertEqual(self.width(), width)

    def test_not_for_long(self) -> None:
        """What is as wide as before in between has to be narrower for as long again."""
        for _ in range(3):
            self.tell(ours("a", 8))
            self.tell(ours("a", 2))
            self.clock.advance(LASTING_SECONDS - 0.1)
        self.assertEqual(self.width(), 8)

    def test_one_by_one(self) -> None:
        """A program whose ports are on their way keeps the channels that the controller has."""
        gone = theirs("a", 3, absent=True)
        self.subject.heard(node(gone))
        self.tell(ours("a", 1))
        told = self.controller.named("post_inventory")[-1][1][0]
        self.assertEqual(
            [each["alias"] for each in told["channels"]], ["a 1", "Input 2", "Input 3"]
        )
        self.tell(ours("a", 3))
        self.assertEqual(self.width(), 3)

    def test_before_anything_was_heard(self) -> None:
        """A guess is not told to a controller whose list was never seen."""
        self.tell(ours("a"), assumed=("a",))
        self.assertEqual(self.posted(), [])
        self.subject.heard(node())
        self.tell(ours("a"), assumed=("a",))
        self.assertEqual(self.posted(), [["a"]])
