"""What is printed and sent has the members, order and limits that its readers know."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.document import (
    Identity,
    assumed_keys,
    heartbeat_body,
    interfaces_for_controller,
    inventory_document,
)
from rakkr.inventory.host import HostFacts
from rakkr.inventory.interface import FALLBACK, AudioInterface, Inventory

IDENTITY = Identity("node_studio_a", "Studio A Rack", "HQ", "Studio A")
HOST = HostFacts(
    hostname="rec-01",
    addresses=("10.0.0.21", "fd00::21"),
    architecture="x86_64",
    kernel="6.1.0-25-amd64",
    os_name="Debian GNU/Linux 12 (bookworm)",
    uptime_seconds=86_400,
)
BARE_HOST = HostFacts(hostname="h", addresses=(), architecture="arm")
XUSB = AudioInterface(
    id="alsa_card_xusb_dev_0",
    backend="alsa",
    system_name="X-USB USB Audio",
    system_ref="hw:CARD=XUSB,DEV=0",
    sample_rates=(44_100, 48_000),
    hardware_path="/sys/devices/usb1/1-2/1-2:1.0/sound/card2/pcmC2D0c",
    serial_number="A1B2C3",
)
ANY_TEXT = st.text(st.characters())
NONE = Inventory((), probe_ok=True)
STAMP = "2026-07-01T09:30:00.123Z"

# The documented example, on one line per level.
PRINTED = """
{"agentVersion": "1.2", "alias": "Studio A Rack", "hostname": "rec-01", "id": "node_studio_a",
 "interfaces": [{"alias": "X-USB USB Audio", "backend": "alsa", "channelCount": 2,
   "channels": [{"alias": "Input 1", "index": 1}, {"alias": "Input 2", "index": 2}],
   "hardwarePath": "/sys/devices/usb1/1-2/1-2:1.0/sound/card2/pcmC2D0c",
   "id": "alsa_card_xusb_dev_0", "sampleRates": [44100, 48000], "serialNumber": "A1B2C3",
   "systemName": "X-USB USB Audio", "systemRef": "hw:CARD=XUSB,DEV=0"}],
 "ipAddresses": ["10.0.0.21", "fd00::21"], "lastSeenAt": "2026-07-01T09:30:00.123Z",
 "location": {"room": "Studio A", "site": "HQ"},
 "runtime": {"architecture": "x86_64", "audioBackends": ["alsa", "pipewire"],
   "kernelRelease": "6.1.0-25-amd64", "osName": "Debian GNU/Linux 12 (bookworm)",
   "uptimeSeconds": 86400},
 "status": "online", "tags": ["recorder-agent"]}
"""


def printed(host: HostFacts, *found: AudioInterface) -> dict[str, Any]:
    """The printed inventory of a node."""
    answering = frozenset({"pipewire"} if host is HOST else ())
    inventory = Inventory(found, probe_ok=True, answering=answering)
    return inventory_document(IDENTITY, host, inventory, version="1.2", stamp=STAMP)


def sent(*found: AudioInterface) -> list[dict[str, Any]]:
    """What a controller is told of the inputs."""
    return interfaces_for_controller(Inventory(found, probe_ok=True))


class PrintedTests(SynchronousTestCase):
    """``--print-inventory``."""

    def test_documented_example(self) -> None:
        """The documented example comes out member by member, in its order."""
        self.assertEqual(json.dumps(printed(HOST, XUSB)), json.dumps(json.loads(PRINTED)))

    def test_unknown_members_are_left_out(self) -> None:
        """What is unknown has no member; nothing is ever null."""
        document = printed(BARE_HOST, AudioInterface(id="i", backend="alsa", system_name="n"))
        self.assertNotIn("null", json.dumps(document))
        self.assertEqual(list(document["runtime"]), ["architecture", "audioBackends"])
        members = [
            "alias",
            "backend",
            "channelCount",
            "channels",
            "id",
            "sampleRates",
            "systemName",
        ]
        self.assertEqual(list(document["interfaces"][0]), members)

    def test_no_input(self) -> None:
        """A node without inputs shows the documented stand-in."""
        document = printed(BARE_HOST)
        expected = {
            "alias": "Default Capture Interface",
            "backend": "unknown",
            "channelCount": 2,
            "channels": [{"alias": "Input 1", "index": 1}, {"alias": "Input 2", "index": 2}],
            "id": "iface_default_capture",
            "sampleRates": [48_000],
            "systemName": "Audio backend discovery pending",
        }
        self.assertEqual(document["interfaces"], [expected])
        self.assertEqual(document["runtime"]["audioBackends"], ["unknown"])


class HeartbeatTests(SynchronousTestCase):
    """The body of a heartbeat."""

    def test_members(self) -> None:
        """A heartbeat has what a controller reads, and nothing else."""
        inventory = Inventory((XUSB,), probe_ok=True, answering=frozenset({"pipewire"}))
        body = heartbeat_body(HOST, inventory, status="recording", version="1.2")
        expected = {
            "agentVersion": "1.2",
            "hostname": "rec-01",
            "ipAddresses": ["10.0.0.21", "fd00::21"],
            "runtime": json.loads(PRINTED)["runtime"],
            "status": "recording",
        }
        self.assertEqual(body, expected)

    def test_limits(self) -> None:
        """A host name is at most 255 letters, a version 80, and neither is ever blank."""
        host = attrs.evolve(HOST, hostname="h" * 256)
        body = heartbeat_body(host, NONE, status="online", version="v" * 81)
        self.assertEqual((len(body["hostname"]), len(body["agentVersion"])), (255, 80))
        blank = attrs.evolve(HOST, hostname=" \0")
        body = heartbeat_body(blank, NONE, status="online", version="1")
        self.assertEqual(body["hostname"], "unknown-host")


class SentTests(SynchronousTestCase):
    """The inputs that a controller is told of."""

    def test_members(self) -> None:
        """An input is sent as it is printed, without our id."""
        expected = json.loads(PRINTED)["interfaces"][0]
        del expected["id"]
        self.assertEqual(sent(XUSB), [expected])

    def test_nothing_found(self) -> None:
        """A node without inputs sends none: the stand-in is not an input."""
        self.assertEqual(sent(), [])

    def test_most_interfaces(self) -> None:
        """Sixty-four inputs are sent, and of sixty-five the first sixty-four."""
        many = [attrs.evolve(XUSB, system_ref=f"hw:{n},0") for n in range(65)]
        self.assertEqual(len(sent(*many[:64])), 64)
        self.assertEqual([i["systemRef"] for i in sent(*many)], [f"hw:{n},0" for n in range(64)])

    def test_unique_references(self) -> None:
        """Two inputs that a controller could not tell apart are sent as one."""
        self.assertEqual(len(sent(XUSB, attrs.evolve(XUSB, system_name="other"))), 1)

    def test_most_rates(self) -> None:
        """Sixteen rates are sent; of more the usual ones are kept, in rising order."""
        rates = tuple(range(1000, 17_000, 1000))
        self.assertEqual(
            sent(attrs.evolve(XUSB, sample_rates=rates))[0]["sampleRates"], list(rates)
        )
        more = (*rates, 48_000, 96_000)
        told = sent(attrs.evolve(XUSB, sample_rates=more))[0]["sampleRates"]
        self.assertEqual((len(told), told[-2:]), (16, [48_000, 96_000]))
        self.assertEqual(told, sorted(told))

    def test_lengths(self) -> None:
        """Every text is cut to what a controller takes."""
        long = "x" * 600
        (interface,) = sent(
            attrs.evolve(
                XUSB, system_name=long, system_ref=long, hardware_path=long, serial_number=long
            )
        )
        texts = ("alias", "systemName", "systemRef", "hardwarePath", "serialNumber")
        self.assertEqual([len(interface[name]) for name in texts], [160, 255, 255, 500, 255])

    def test_lengths_as_a_controller_counts(self) -> None:
        """A letter that JavaScript counts as two is two."""
        (interface,) = sent(attrs.evolve(XUSB, system_name="🎤" * 200, channel_names=()))
        texts = (interface["alias"], interface["systemName"])
        self.assertEqual([len(text.encode("utf-16-le")) // 2 for text in texts], [160, 254])

    def test_blank_texts(self) -> None:
        """A blank name is replaced by our id, and another blank text is left out."""
        blank = attrs.evolve(XUSB, system_name=" \0\n", system_ref=" ", serial_number="")
        (interface,) = sent(blank)
        self.assertEqual((interface["alias"], interface["systemName"]), (XUSB.id, XUSB.id))
        self.assertNotIn("systemRef", interface)
        self.assertNotIn("serialNumber", interface)

    def test_most_channels(self) -> None:
        """No more than 256 channels are told."""
        (interface,) = sent(attrs.evolve(XUSB, channel_count=300))
        self.assertEqual((interface["channelCount"], len(interface["channels"])), (256, 256))

    def test_names_for_people(self) -> None:
        """An alias and the names of channels are told where there are any, and cut, too."""
        named = attrs.evolve(XUSB, alias="x" * 200, channel_names=("Left", ""))
        (interface,) = sent(named)
        self.assertEqual(
            (len(interface["alias"]), interface["systemName"]), (160, XUSB.system_name)
        )
        self.assertEqual([each["alias"] for each in interface["channels"]], ["Left", "Input 2"])
        self.assertEqual(printed(HOST, named)["interfaces"][0]["alias"], "x" * 200)

    def test_what_is_a_guess(self) -> None:
        """Inputs of which nobody told the channels are known by their keys."""
        guessed = attrs.evolve(XUSB, assumed=True)
        self.assertEqual(assumed_keys(Inventory((guessed,), probe_ok=True)), {XUSB.system_ref})
        self.assertEqual(assumed_keys(Inventory((XUSB,), probe_ok=True)), frozenset())

    @given(st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT), max_size=5))
    def test_any_text(self, names: list[tuple[str, str | None]]) -> None:
        """Whatever a device calls itself, no text that is sent is blank or cannot be printed."""
        found = [
            AudioInterface(id=f"i{n}", backend="alsa", system_name=name, system_ref=ref)
            for n, (name, ref) in enumerate(names)
        ]
        for interface in sent(*found):
            for text in (v for v in interface.values() if isinstance(v, str)):
                self.assertTrue(text.strip())
                self.assertTrue(text.isprintable())
                text.encode()


class FallbackTests(SynchronousTestCase):
    """The stand-in."""

    def test_unknown_reference(self) -> None:
        """The stand-in cannot be opened."""
        self.assertIsNone(FALLBACK.system_ref)
