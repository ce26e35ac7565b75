"""ALSA's lists are read as they are documented, and no line can make reading fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.alsa import (
    CaptureDevice,
    DeviceFacts,
    interfaces,
    parse_arecord_list,
    parse_proc_pcm,
)
from rakkr.inventory.parameters import Parameters

# Recorded from arecord 1.2.8 with three simulated cards.
ARECORD_LIST = """\
**** List of CAPTURE Hardware Devices ****
card 0: SimStereo [Simulated 2-channel interface], device 0: SimStereo PCM [Simulated 2-channel interface Capture]
  Subdevices: 1/1
  Subdevice #0: subdevice #0
card 1: Sim8 [Simulated 8-channel interface], device 0: Sim8 PCM [Simulated 8-channel interface Capture]
  Subdevices: 1/1
  Subdevice #0: subdevice #0
card 2: Sim32 [Simulated 32-channel interface], device 0: Sim32 PCM [Simulated 32-channel interface Capture]
  Subdevices: 1/1
  Subdevice #0: subdevice #0
"""  # noqa: E501

PROC_PCM = """\
00-00: SimStereo PCM : Simulated 2-channel interface Capture : capture 1
01-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
01-03: HDMI 0 : HDMI 0 : playback 1
12-10:  : capture 2
"""


class ArecordListTests(SynchronousTestCase):
    """The output of ``arecord -l``."""

    def test_recorded_output(self) -> None:
        """A real list gives a device for each card, with its numbers, name and reference."""
        devices = parse_arecord_list(ARECORD_LIST)
        self.assertEqual([(d.card, d.device) for d in devices], [(0, 0), (1, 0), (2, 0)])
        self.assertEqual([d.card_id for d in devices], ["SimStereo", "Sim8", "Sim32"])
        self.assertEqual(
            devices[2].name, "Simulated 32-channel interface Simulated 32-channel interface Capture"
        )
        self.assertEqual(devices[2].system_ref, "hw:CARD=Sim32,DEV=0")
        self.assertEqual(devices[2].id, "alsa_card_sim32_dev_0")

    def test_documented_line(self) -> None:
        """The documented example gives the documented id, name and reference."""
        (device,) = parse_arecord_list("card 2: XUSB [X-USB], device 0: USB Audio [USB Audio]\n")
        self.assertEqual(device.id, "alsa_card_xusb_dev_0")
        self.assertEqual(device.name, "X-USB USB Audio")
        self.assertEqual(device.system_ref, "hw:CARD=XUSB,DEV=0")

    def test_names(self) -> None:
        """Equal labels are said once, and a part without brackets is its own label."""
        lines = {
            "card 0: PCH [HDA Intel], device 2: x [hda intel]": "hda intel",
            "card 0: Loop, device 1: Loopback": "Loop Loopback",
            "card 0: A [], device 0: B []": "A",
            "card 0: A [Desk, device X], device 0: B [In]": "Desk, device X In",
            "card 0: A [Desk [32]], device 0: B [In]": "Desk [32] In",
        }
        names = {line: parse_arecord_list(line)[0].name for line in lines}
        self.assertEqual(names, lines)

    def test_other_lines(self) -> None:
        """Lines that are not of the documented form give nothing."""
        for line in (
            "Karte 0: PCH [x], Gerät 0: y [y]",
            "card x: PCH [x], device 0: y [y]",
            "card 0: PCH [x], device : y [y]",
            "card 65536: PCH [x], device 0: y [y]",
            "card 0: PCH [x], device 65536: y [y]",
            "card 0: , device 0: y [y]",
            "arecord: device_list:274: no soundcards found...",
        ):
            self.assertEqual(parse_arecord_list(line), (), line)
        self.assertEqual(len(parse_arecord_list("card 65535: P [x], device 65535: y [y]")), 1)

    def test_unprintable(self) -> None:
        """What cannot be printed is not in a name, and a card with such a name has its number."""
        line = "card 1: A\x1b [Desk\0\udcff \x07 1], device 0: x [x]"
        (device,) = parse_arecord_list(line)
        self.assertEqual(device.name, "Desk\N{REPLACEMENT CHARACTER}  1 x")
        self.assertEqual((device.system_ref, device.hardware_ref), ("hw:1,0", "hw:1,0"))

    @given(st.binary().map(lambda data: data.decode("utf-8", "replace")) | st.text())
    def test_any_text(self, label: str) -> None:
        """A name with any letters in it neither fails nor hides the line that follows."""
        text = f"card 1: A [{label}], device 0: B [B]\ncard 2: C [C], device 0: D [D]\n"
        self.assertEqual(parse_arecord_list(text)[-1].card_id, "C")
        parse_arecord_list(label)
        parse_proc_pcm(label)


class ProcPcmTests(SynchronousTestCase):
    """The kernel's list of devices."""

    def test_list(self) -> None:
        """Capture devices are taken with their first name, and playback devices are not."""
        devices = parse_proc_pcm(PROC_PCM)
        self.assertEqual([d.id for d in devices], ["alsa_hw_0_0", "alsa_hw_1_0", "alsa_hw_12_10"])
        self.assertEqual([d.system_ref for d in devices], ["hw:0,0", "hw:1,0", "hw:12,10"])
        names = ["SimStereo PCM", "ALC257 Analog", "Card 12 device 10"]
        self.assertEqual([d.name for d in devices], names)

    def test_numbers_too_high(self) -> None:
        """Numbers that no card can have drop the line."""
        self.assertEqual(parse_proc_pcm("65536-00: A : capture 1\n00-65536: A : capture 1\n"), ())


class InterfaceTests(SynchronousTestCase):
    """Devices as inputs."""

    def test_defaults(self) -> None:
        """A device of which nothing is known has two channels at 48 kHz."""
        (interface,) = interfaces([CaptureDevice(1, 0, "Desk", "Desk")], {})
        self.assertEqual((interface.channel_count, interface.sample_rates), (2, (48_000,)))
        self.assertEqual((interface.backend, interface.system_name), ("alsa", "Desk"))
        self.assertTrue(interface.assumed)

    def test_facts(self) -> None:
        """What is known of a device is told."""
        device = CaptureDevice(1, 0, "Desk", "Desk")
        facts = DeviceFacts(
            can=Parameters(32, (96_000,), ("S32_LE",)),
            opened=Parameters(2, (48_000,), ("S16_LE",)),
            hardware_path="/sys/x",
            serial_number="S1",
        )
        (interface,) = interfaces([device], {device: facts})
        self.assertEqual((interface.channel_count, interface.sample_rates), (32, (96_000,)))
        self.assertEqual((interface.hardware_path, interface.serial_number), ("/sys/x", "S1"))
        self.assertEqual((interface.formats, interface.assumed), (("S32_LE",), False))

    def test_what_runs(self) -> None:
        """What a device was opened with stands for it while nothing better is known: a guess."""
        device = CaptureDevice(1, 0, "Desk", "Desk")
        facts = DeviceFacts(opened=Parameters(8, (44_100,)))
        (interface,) = interfaces([device], {device: facts})
        self.assertEqual((interface.channel_count, interface.sample_rates), (8, (44_100,)))
        self.assertTrue(interface.assumed)

    def test_addresses(self) -> None:
        """Numbers, card name and own serial number stay known; a list's name beats the file's."""
        listed, bare = CaptureDevice(1, 2, "Desk", "Desk"), CaptureDevice(3, 4, "Booth")
        facts = DeviceFacts(own_serial="S2", card_id="File")
        found = interfaces([listed, bare], {listed: facts, bare: facts})
        self.assertEqual(
            [(i.card, i.card_id, i.device, i.own_serial) for i in found],
            [(1, "Desk", 2, "S2"), (3, "File", 4, "S2")],
        )
        self.assertEqual(found[1].system_ref, "hw:3,4")

    def test_ids_are_unique(self) -> None:
        """Two cards whose names differ only in punctuation have two ids."""
        found = interfaces([CaptureDevice(0, 0, "a", "X_1"), CaptureDevice(1, 0, "b", "X1")], {})
        self.assertEqual([i.id for i in found], ["alsa_card_x1_dev_0", "alsa_hw_1_0"])

    def test_name_without_letters(self) -> None:
        """A card whose name holds no ASCII letter or digit is named by its numbers."""
        self.assertEqual(CaptureDevice(3, 1, "a", "Ü_").id, "alsa_hw_3_1")

    def test_references_are_unique(self) -> None:
        """A device that is listed twice is one input."""
        device = CaptureDevice(0, 0, "a", "X")
        self.assertEqual(len(interfaces([device, device], {})), 1)
