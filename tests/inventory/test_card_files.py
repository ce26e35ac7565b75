"""The kernel's files are found where they are, and missing ones do no harm."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.card_files import CardFiles, read_text
from rakkr.inventory.parameters import Parameters


class CardFilesTests(SynchronousTestCase):
    """A card in a made-up tree."""

    def setUp(self) -> None:
        """Make a USB card with two devices, of which the second has a stream of its own."""
        root = Path(tempfile.mkdtemp()).absolute()
        self.usb = root / "sys/devices/usb1/1-2"
        self.card = self.usb / "1-2:1.0/sound/card2"
        (self.card / "pcmC2D1c").mkdir(parents=True)
        sound = root / "sys/class/sound"
        sound.mkdir(parents=True)
        (sound / "card2").symlink_to(self.card)
        (self.card / "device").symlink_to(self.usb / "1-2:1.0")
        asound = root / "proc/asound"
        (asound / "card2").mkdir(parents=True)
        (asound / "card2/stream1").write_text("Capture:\n Channels: 4\n Rates: 96000\n")
        self.files = CardFiles(asound, sound)
        self.device = CaptureDevice(2, 1, "Desk", "Desk")

    def test_everything(self) -> None:
        """Channels and rates come from the stream of the device, the path from where it leads."""
        (self.usb / "serial").write_text(" A1B2C3 \n")
        expected = DeviceFacts(
            can=Parameters(4, (96_000,)),
            hardware_path=str(self.card / "pcmC2D1c"),
            serial_number="A1B2C3",
        )
        self.assertEqual(self.files.facts(self.device), expected)

    def test_other_device(self) -> None:
        """A device without files of its own has the path of its card, and no channels."""
        facts = self.files.facts(CaptureDevice(2, 0, "Desk", "Desk"))
        self.assertEqual(facts, DeviceFacts(hardware_path=str(self.usb / "1-2:1.0")))

    def test_serial_in_uevent(self) -> None:
        """A blank serial file is passed over for one in the event description."""
        (self.usb / "1-2:1.0/serial").write_text("\n")
        (self.usb / "uevent").write_text("DRIVER=usb\nSERIAL=77\n")
        self.assertEqual(self.files.facts(self.device).serial_number, "77")

    def test_nearest_serial(self) -> None:
        """The serial number of the device itself counts, not that of the hub it hangs on."""
        (self.usb / "serial").write_text("near")
        (self.usb.parent / "serial").write_text("far")
        self.assertEqual(self.files.facts(self.device).serial_number, "near")

    def test_own_serial(self) -> None:
        """What a hub above has for a serial number is never the device's own."""
        (self.usb / "idVendor").write_text("1397\n")
        (self.usb.parent / "idVendor").write_text("1d6b\n")
        (self.usb.parent / "serial").write_text("0000:00:14.0\n")
        facts = self.files.facts(self.device)
        self.assertEqual((facts.serial_number, facts.own_serial), ("0000:00:14.0", None))
        (self.usb / "serial").write_text("A1B2C3\n")
        self.assertEqual(self.files.facts(self.device).own_serial, "A1B2C3")

    def test_card_id(self) -> None:
        """The card's name is known although the list of devices has only its number."""
        (self.files.asound / "card2/id").write_text("XUSB\n")
        self.assertEqual(self.files.facts(CaptureDevice(2, 1, "Desk")).card_id, "XUSB")

    def test_in_use(self) -> None:
        """A device is free only if all its subdevices say so; what runs tells its parameters."""
        self.assertFalse(self.files.idle(self.device))
        for number in (0, 1):
            place = self.files.asound / f"card2/pcm1c/sub{number}"
            place.mkdir(parents=True)
            (place / "status").write_text("closed\n")
            (place / "hw_params").write_text("closed\n")
        self.assertTrue(self.files.idle(self.device))
        (place / "status").write_text("state: RUNNING\n")
        (place / "hw_params").write_text("format: S16_LE\nchannels: 6\nrate: 48000 (48000/1)\n")
        self.assertFalse(self.files.idle(self.device))
        facts = self.files.facts(self.device)
        self.assertEqual(facts.opened, Parameters(6, (48_000,), ("S16_LE",)))
        (place / "status").unlink()
        self.assertFalse(self.files.idle(self.device))

    def test_no_files(self) -> None:
        """A card without any files has the path that the kernel would list it under."""
        facts = self.files.facts(CaptureDevice(7, 3, "Gone"))
        self.assertEqual(facts, DeviceFacts(hardware_path="/proc/asound/card7/pcm3c"))

    def test_link_that_leads_round(self) -> None:
        """A link that leads to itself counts as missing."""
        (self.files.sound / "card8").symlink_to(self.files.sound / "card8")
        facts = self.files.facts(CaptureDevice(8, 0, "Round"))
        self.assertEqual(facts, DeviceFacts(hardware_path="/proc/asound/card8/pcm0c"))

    def test_any_bytes(self) -> None:
        """A file that is not UTF-8 is read all the same; a missing one, or a directory, is None."""
        path = self.usb / "odd"
        path.write_bytes(b"a\xff\0b")
        self.assertEqual(read_text(path), "a\N{REPLACEMENT CHARACTER}\0b")
        self.assertIsNone(read_text(self.usb))
        self.assertIsNone(read_text(Path("no\0path")))
