"""What PipeWire has is listed by the names that it is recorded by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.pipewire import Graph, read_dump
from rakkr.inventory.pipewire_inputs import pipewire_inputs
from tests.inventory.test_pipewire import RELEASES, dump

KIND = "PipeWire:Interface:"


def node(
    number: int,
    name: str,
    ports: int = 2,
    props: Mapping[str, Any] | None = None,
    formats: object = None,
) -> list[dict[str, Any]]:
    """A source with its ports, as a dump has them."""
    known = {"node.name": name, "media.class": "Audio/Source", **(props or {})}
    params = {"EnumFormat": formats}
    found: list[dict[str, Any]] = [
        {"id": number, "type": f"{KIND}Node", "info": {"props": known, "params": params}}
    ]
    for port in range(ports):
        about = {"node.id": number, "port.id": port}
        info = {"direction": "output", "props": about}
        found.append({"id": number * 1000 + port, "type": f"{KIND}Port", "info": info})
    return found


def graph(*nodes: list[dict[str, Any]]) -> Graph:
    """A server with these nodes."""
    return read_dump(json.dumps([each for part in nodes for each in part]))


def inputs(*nodes: list[dict[str, Any]]) -> tuple[AudioInterface, ...]:
    """The inputs of a server with these nodes."""
    return pipewire_inputs(graph(*nodes))[0]


class InputsTests(SynchronousTestCase):
    def test_real_servers(self) -> None:
        """Of real servers the sources are listed with their channels; nothing of streams."""
        for release in RELEASES:
            found, remarks = pipewire_inputs(dump(f"{release}-linked"))
            self.assertEqual(
                [(each.system_name, each.channel_count) for each in found],
                [("sim-2", 2), ("sim-8", 8)],
            )
            self.assertEqual(remarks, ())
            self.assertEqual(found[1].id, "pipewire_sim-8")
            self.assertEqual(found[1].system_ref, "pipewire:sim-8")
            self.assertEqual(found[1].sample_rates, (48_000,))

    def test_kinds(self) -> None:
        """Sources and duplex devices are inputs; sinks, streams and video are none."""
        kinds = {
            "Audio/Source": True,
            "Audio/Source/Virtual": True,
            "Audio/Duplex": True,
            "Audio/Sink": False,
            "Stream/Input/Audio": False,
            "Stream/Output/Audio": False,
            "Video/Source": False,
        }
        for kind, expected in kinds.items():
            found = inputs(node(1, "x", props={"media.class": kind}))
            self.assertEqual(bool(found), expected, kind)

    def test_facts(self) -> None:
        """What people call it, and where it is plugged in, is told where the dump has it."""
        device = {
            "id": 9,
            "type": f"{KIND}Device",
            "info": {
                "props": {"device.serial": "Maker_Desk_A1\0", "device.bus-path": "usb-0:2"},
            },
        }
        (found,) = inputs(
            node(1, "alsa_input.x", props={"device.id": 9, "node.description": "Desk \ud800"}),
            [device],
        )
        self.assertEqual(found.serial_number, "Maker_Desk_A1")
        self.assertEqual(found.hardware_path, "usb-0:2")
        self.assertEqual(found.alias, "Desk \N{REPLACEMENT CHARACTER}")

    def test_shape(self) -> None:
        """Rates and formats are those that the node tells."""
        formats = [
            {
                "mediaSubtype": "raw",
                "format": {"default": "S32LE", "alt1": "S32LE", "alt2": "S16LE"},
                "rate": {"default": 48_000, "min": 44_100, "max": 96_000},
                "channels": 4,
            }
        ]
        (found,) = inputs(node(1, "x", formats=formats))
        self.assertEqual(found.sample_rates, (44_100, 48_000, 64_000, 88_200, 96_000))
        self.assertEqual(found.formats, ("S32_LE", "S16_LE"))
        self.assertEqual(found.channel_count, 4)

    def test_without_channels(self) -> None:
        """A source whose ports are not there yet is no input yet."""
        self.assertEqual(inputs(node(1, "x", 0)), ())
        self.assertEqual(inputs(node(1, "x", 0, {"audio.channels": 6}))[0].channel_count, 6)

    def test_names_that_cannot_be_said(self) -> None:
        """A source that could not be recorded by its name is left out, and that is said."""
        for name in ("a\0b", "a\ud800", " a", "x" * 241, "default"):
            found, remarks = pipewire_inputs(graph(node(1, name), node(2, "good")))
            self.assertEqual([each.system_name for each in found], ["good"], ascii(name))
            self.assertEqual(len(remarks), 1)
            self.assertTrue(remarks[0].isprintable())

    def test_two_of_one_name(self) -> None:
        """Two sources of one name are one input: nobody can say which is recorded."""
        self.assertEqual(len(inputs(node(1, "x"), node(2, "x", 4))), 1)

    def test_order(self) -> None:
        """The numbers of a dump, which change, do not change the list."""
        one = inputs(node(1, "a"), node(2, "b"))
        self.assertEqual(one, inputs(node(7, "b"), node(9, "a")))

    @given(st.lists(st.text(st.characters(), min_size=1, max_size=5), max_size=4))
    def test_any_names(self, names: list[str]) -> None:
        """Whatever sources call themselves, ids and references are unique and can be encoded."""
        found = inputs(*(node(n, name) for n, name in enumerate(names)))
        for texts in ([each.id for each in found], [each.system_ref or "" for each in found]):
            self.assertEqual(len(set(texts)), len(texts))
            "".join(texts).encode()
