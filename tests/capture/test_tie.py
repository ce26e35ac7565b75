"""Whether a capture is joined to its source."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.tie import Hold, Tie, stand
from rakkr.inventory.jack import JackPort, Patchbay, read_ports
from rakkr.inventory.pipewire import Link
from rakkr.inventory.view import NoAnswer
from tests.inventory.test_jack import REAL
from tests.inventory.test_pipewire import RELEASES, dump

DESK = Tie(server="pipewire", client="rakkr-x", sources=("sim-8",))
"""Whose serial number nobody knew."""
CARD = Tie(server="jack", client="rakkr-y", sources=("sim:out_2", "sim:out_10"))


class PipeWireTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Linked to its source with every channel, it is as it should be, in every version."""
        for release in RELEASES:
            self.assertIs(stand(DESK, dump(f"{release}-linked")).hold, Hold.GOOD)

    def test_gone(self) -> None:
        """A source that was unplugged is gone, whether the recording is still known or not."""
        for release in RELEASES:
            found = stand(DESK, dump(f"{release}-unplugged"))
            self.assertIs(found.hold, Hold.GONE)
            self.assertEqual(found.why, "PipeWire lost its source sim-8")

    def test_elsewhere(self) -> None:
        """One link to another source is enough: what is recorded is not what was asked for."""
        graph = dump("bookworm-linked")
        other, stream = graph.find("sim-2"), graph.stream("rakkr-x")
        assert other is not None
        assert stream is not None
        moved = Link(output_node=other.id, output_port=1, input_node=stream.id, input_port=2)
        found = stand(DESK, attrs.evolve(graph, links=(*graph.links, moved)))
        self.assertIs(found.hold, Hold.ELSEWHERE)
        self.assertEqual(found.why, "PipeWire gave the recording of sim-8 to sim-2")

    def test_another_order(self) -> None:
        """Channels that were joined crosswise are recorded, and that is said."""
        graph = dump("bookworm-linked")
        one, two, *others = graph.links
        crossed = (
            attrs.evolve(one, output_port=two.output_port),
            attrs.evolve(two, output_port=one.output_port),
        )
        found = stand(DESK, attrs.evolve(graph, links=(*crossed, *others)))
        self.assertIs(found.hold, Hold.GOOD)
        self.assertEqual(found.why, "PipeWire joins the channels of sim-8 in another order")
        self.assertEqual(stand(DESK, graph).why, "")

    def test_gone_and_replaced(self) -> None:
        """Where the source is gone and another one is linked, what comes is of the other one."""
        graph = dump("bookworm-linked")
        nodes = tuple(node for node in graph.nodes if node.name != "sim-8")
        found = stand(DESK, attrs.evolve(graph, nodes=nodes))
        self.assertIs(found.hold, Hold.ELSEWHERE)

    def test_two_of_a_name(self) -> None:
        """Of two sources of one name the one with the serial number counts."""
        graph = dump("bookworm-linked")
        wide = graph.find("sim-8")
        assert wide is not None
        twin = attrs.evolve(wide, id=999, serial="9999")
        graph = attrs.evolve(graph, nodes=(twin, *graph.nodes))
        by_serial = attrs.evolve(DESK, sources=(str(wide.serial), "sim-8"))
        self.assertIs(stand(by_serial, graph).hold, Hold.GOOD)
        other = stand(attrs.evolve(DESK, sources=("9999", "sim-8")), graph)
        self.assertEqual(other.why, "PipeWire gave the recording of sim-8 to sim-8")

    def test_loose(self) -> None:
        """A recording that lacks one link, has no ports, or is not known, is loose."""
        graph = dump("bookworm-linked")
        for changed in (
            attrs.evolve(graph, links=graph.links[1:]),
            attrs.evolve(graph, links=()),
            attrs.evolve(graph, ports=()),
        ):
            found = stand(DESK, changed)
            self.assertEqual(found.why, "PipeWire does not join the recording to sim-8")
            self.assertIs(found.hold, Hold.LOOSE)
        self.assertIs(stand(attrs.evolve(DESK, client="rakkr-z"), graph).hold, Hold.LOOSE)


class JackTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Each channel is joined to its port; that others are joined as well does no harm."""
        self.assertIs(stand(CARD, read_ports(REAL)).hold, Hold.GOOD)
        only = attrs.evolve(CARD, sources=CARD.sources[:1])
        self.assertIs(stand(only, read_ports(REAL)).hold, Hold.GOOD)

    def test_swapped(self) -> None:
        """Channels that are joined to each other's ports are not as they should be."""
        swapped = attrs.evolve(CARD, sources=CARD.sources[::-1])
        found = stand(swapped, read_ports(REAL))
        self.assertIs(found.hold, Hold.LOOSE)
        self.assertIn("sim:out_10, sim:out_2", found.why)

    def test_gone(self) -> None:
        """A port that is not there is gone, and is named."""
        tie = attrs.evolve(CARD, sources=("sim:out_2", "sim:out_3"))
        found = stand(tie, read_ports(REAL))
        self.assertEqual((found.hold, found.why), (Hold.GONE, "JACK lost the port sim:out_3"))

    def test_unknown_client(self) -> None:
        """A recorder that JACK does not know is joined to nothing."""
        self.assertIs(stand(attrs.evolve(CARD, client="x"), read_ports(REAL)).hold, Hold.LOOSE)

    def test_two_recorders_of_a_name(self) -> None:
        """Where the program chooses the end of its name, that one counts which has the ports."""
        ports = [JackPort(name="sim:out_1", output=True)]
        ports += [JackPort(name="jack_capture:input1", joined=("x:y",))]
        ports += [JackPort(name="jack_capture-01:input1", joined=("sim:out_1",))]
        tie = Tie(server="jack", client="jack_capture*", sources=("sim:out_1",))
        self.assertIs(stand(tie, Patchbay(ports=tuple(ports))).hold, Hold.GOOD)
        self.assertIs(stand(tie, Patchbay(ports=tuple(ports[:2]))).hold, Hold.LOOSE)


class TieTests(SynchronousTestCase):
    def test_no_answer(self) -> None:
        """A server that says nothing leaves it unknown, with its reason."""
        found = stand(DESK, NoAnswer("it is tired"))
        self.assertEqual((found.hold, found.why), (Hold.UNKNOWN, "it is tired"))

    def test_json(self) -> None:
        """What is written down is read again; what makes no sense is refused."""
        for tie in (DESK, CARD):
            self.assertEqual(Tie.from_json(tie.as_json()), tie)
        wrong: list[dict[str, Any]] = [{"server": "oss"}, {"client": 1}]
        wrong += [{"sources": sources} for sources in ("a", [1], [])]
        for change in wrong:
            with self.assertRaises(ValueError):
                Tie.from_json({**DESK.as_json(), **change})
        with self.assertRaises(KeyError):
            Tie.from_json({"server": "jack"})
