"""What pw-dump of three versions says of nodes and links."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.pipewire import Graph, NotADump, read_dump

_DUMPS = Path(__file__).parent / "dumps"
RELEASES = ("bookworm", "trixie", "sid")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "type", "info", "props", "node.id", "metadata", "key", "value"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def dump(name: str) -> Graph:
    """Read a dump of a real server, of which only what matters here was kept."""
    return read_dump((_DUMPS / f"{name}.json").read_text())


class DumpTests(SynchronousTestCase):
    def test_devices(self) -> None:
        """Sources are found by name and by serial number, and neither streams nor drivers are."""
        for release in RELEASES:
            graph = dump(f"{release}-linked")
            self.assertEqual(sorted(graph.sources()), ["sim-2", "sim-8"])
            wide = graph.find("sim-8")
            assert wide is not None
            assert wide.serial is not None
            self.assertIs(graph.find(wide.serial), wide)
            self.assertEqual(wide.media_class, "Audio/Source")
            for name in ("rakkr-x", "Dummy-Driver", "nowhere", ""):
                self.assertIsNone(graph.find(name))
            self.assertEqual(graph.default_source, "sim-2")

    def test_ports(self) -> None:
        """The channels of a device come in the order of their numbers, with their positions."""
        for release in RELEASES:
            graph = dump(f"{release}-linked")
            wide = graph.find("sim-8")
            assert wide is not None
            ports = graph.outputs(wide)
            self.assertEqual([port.number for port in ports], list(range(8)))
            self.assertEqual([port.channel for port in ports], [f"AUX{n}" for n in range(8)])
            self.assertEqual(graph.inputs(wide), ())

    def test_links(self) -> None:
        """A recording is linked, channel by channel, until its source is gone."""
        for release in RELEASES:
            graph = dump(f"{release}-linked")
            stream, wide = graph.stream("rakkr-x"), graph.find("sim-8")
            assert stream is not None
            assert wide is not None
            links = [link for link in graph.links if link.input_node == stream.id]
            self.assertEqual({link.output_node for link in links}, {wide.id})
            inputs = {port.id for port in graph.inputs(stream)}
            self.assertEqual({link.input_port for link in links}, inputs)
            self.assertIsNone(dump(f"{release}-unplugged").find("sim-8"))

    def test_text_that_is_no_dump(self) -> None:
        """Other text is refused with a sentence."""
        for text in ("", "{}", "[", "null", '"x"', "[" * 100_000):
            with self.assertRaisesRegex(NotADump, "pw-dump printed no"):
                read_dump(text)

    @given(st.lists(_JSON, max_size=5))
    def test_any_objects(self, objects: list[object]) -> None:
        """Whatever a version puts into the list, what is not understood is passed over."""
        self.assertIsInstance(read_dump(json.dumps(objects)), Graph)

    def test_odd_members(self) -> None:
        """Numbers may be texts; objects without a number or a name are passed over."""
        node = {"node.name": "desk", "object.serial": "70", "media.class": "Audio/Source"}
        kind = "PipeWire:Interface:Node"
        objects = [
            {"id": "7", "type": kind, "info": {"props": node}},
            {"id": True, "type": kind, "info": {"props": node}},
            {"id": "9" * 5000, "type": kind, "info": {"props": node}},
            {"id": 8, "type": kind, "info": None},
            {"id": 9, "type": "PipeWire:Interface:Link", "info": {"output-node-id": 7}},
            {"id": 10, "type": "PipeWire:Interface:Port", "info": {"direction": "up"}},
        ]
        graph = read_dump(json.dumps(objects))
        self.assertEqual([(each.id, each.serial) for each in graph.nodes], [(7, "70")])
        self.assertEqual((graph.links, graph.ports), ((), ()))
