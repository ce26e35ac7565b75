"""A device is opened once in its life, and never while anybody could need it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.asking import (
    FIRST_PAUSE_SECONDS,
    LIMIT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    HardwareAsking,
)
from rakkr.inventory.card_files import CardFiles
from rakkr.inventory.parameters import Parameters
from rakkr.inventory.remembered import key_of
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.inventory.test_parameters import DUMP

DESK = CaptureDevice(1, 0, "Desk", "Desk")
BOOTH = CaptureDevice(2, 0, "Booth", "Booth")
RATES = (44_100, 48_000, 64_000, 88_200, 96_000)
TOLD = Parameters(32, RATES, ("S32_LE", "S24_3LE"))


class AskingCase(SynchronousTestCase):
    """Two closed devices that have said nothing."""

    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.reactor = FakeReactor()
        self.busy = False
        for device in (DESK, BOOTH):
            self.set(device, "closed\n")
        self.subject = self.agent()

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def agent(self) -> HardwareAsking:
        """The asking of an agent that was started now."""
        return HardwareAsking(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=FakeThreads(),
            env={"PATH": "/bin", "LC_ALL": "de_DE.UTF-8"},
            command="arecord",
            files=CardFiles(self.root / "asound", self.root / "sound"),
            path=self.root / "state" / "hardware-parameters.json",
            busy=lambda: self.busy,
        )

    def set(self, device: CaptureDevice, status: str) -> None:
        """Let the kernel say whether a device is in use."""
        place = self.root / f"asound/card{device.card}/pcm{device.device}c/sub0"
        place.mkdir(parents=True, exist_ok=True)
        (place / "status").write_text(status)

    def begin(self, *devices: CaptureDevice) -> None:
        """Have devices asked."""
        self.subject.begin([(each, DeviceFacts()) for each in devices or (DESK,)])

    def known(self) -> dict[CaptureDevice, Parameters]:
        """What is known."""
        found = self.successResultOf(Deferred.fromCoroutine(self.subject.known()))
        both = {device: found.get(key_of(device, DeviceFacts())) for device in (DESK, BOOTH)}
        return {device: told for device, told in both.items() if told is not None}

    def says(self, text: str, code: int = 1) -> None:
        """Let the program that asks print, and end."""
        self.reactor.last.says(text.encode(), 2)
        if not self.reactor.last.ended:
            self.reactor.last.ends(code)


class AskingTests(AskingCase):
    def test_how_it_is_asked(self) -> None:
        """The device is opened by its number in the C locale, and records into nothing."""
        self.begin()
        argv = "arecord -D hw:1,0 --dump-hw-params -f S16_LE -r 48000 -c 2 -d 1 /dev/null"
        self.assertEqual(self.reactor.last.argv, argv.split())
        self.assertEqual(self.reactor.last.env, {"PATH": "/bin", "LC_ALL": "C"})
        self.assertTrue(self.subject.active)
        self.says(DUMP)
        self.assertFalse(self.subject.active)

    def test_refused_format(self) -> None:
        """What was printed before the format was refused counts."""
        self.begin()
        self.says(DUMP, 1)
        self.assertEqual(self.known(), {DESK: TOLD})

    def test_no_longer_than_needed(self) -> None:
        """The program is ended as soon as it has printed everything: it would record a second."""
        self.begin()
        end = DUMP.index("arecord: set")
        self.reactor.last.says(DUMP[: end - 1].encode(), 2)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.last.says(DUMP[end - 1 : end].encode(), 2)
        self.assertEqual(self.reactor.last.signals, ["TERM"])
        self.reactor.last.ends(1)
        self.assertEqual(self.known(), {DESK: TOLD})

    def test_once(self) -> None:
        """What was said is not asked again, nor after a restart."""
        self.begin()
        self.says(DUMP)
        self.begin()
        self.subject = self.agent()
        self.begin()
        self.assertEqual(len(self.reactor.spawned), 1)
        self.assertEqual(self.known(), {DESK: TOLD})

    def test_what_the_kernel_tells(self) -> None:
        """A device whose channels and rates the kernel's files tell is never opened."""
        self.subject.begin([(DESK, DeviceFacts(can=Parameters(2, (48_000,))))])
        self.assertEqual(self.reactor.spawned, [])
        self.subject.begin([(DESK, DeviceFacts(can=Parameters(2)))])
        self.assertEqual(len(self.reactor.spawned), 1)
        self.says(DUMP)

    def test_one_after_another(self) -> None:
        """Devices are asked in turn, and one that says nothing does not keep the others away."""
        self.begin(DESK, BOOTH)
        self.assertEqual(len(self.reactor.spawned), 1)
        self.says("arecord: main:831: audio open error: Device or resource busy\n")
        self.assertEqual(self.reactor.last.argv[2], "hw:2,0")
        self.says(DUMP)
        self.assertEqual(list(self.known()), [BOOTH])

    def test_in_use(self) -> None:
        """A device that somebody has open, or of which that is not known, is not opened."""
        for status in ("state: RUNNING\n", "state: OPEN\n", ""):
            self.subject = self.agent()
            self.set(DESK, status)
            self.begin()
            self.assertEqual(self.reactor.spawned, [], status)
            self.assertFalse(self.subject.active)

    def test_jobs_first(self) -> None:
        """While a job needs any device, none is opened; afterwards it is asked at once."""
        self.busy = True
        self.begin()
        self.assertEqual(self.reactor.spawned, [])
        self.busy = False
        self.begin()
        self.assertEqual(len(self.reactor.spawned), 1)
        self.says(DUMP)

    def test_nobody_said_when(self) -> None:
        """Until somebody says when devices may be opened, none is."""
        default = attrs.fields(HardwareAsking).busy.default
        assert default is not None
        self.subject.busy = default
        self.begin()
        self.assertEqual(self.reactor.spawned, [])

    def test_giving_way(self) -> None:
        """A job that begins gets the device: the program is killed, and asks again later."""
        self.begin()
        freed = self.subject.let_go()
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.assertNoResult(freed)
        self.reactor.last.ends(None, 9)
        self.successResultOf(freed)
        self.assertEqual((self.known(), self.subject.active), ({}, False))
        self.successResultOf(self.subject.let_go())
        self.begin()
        self.assertEqual(len(self.reactor.spawned), 2)
        self.says(DUMP)

    def test_who_only_listens(self) -> None:
        """Whoever only listens to the device lets go of it, once for each device."""
        letting: list[Deferred[None]] = []

        def let_go() -> Deferred[None]:
            letting.append(Deferred())
            return letting[-1]

        self.subject.holders.append(let_go)
        self.set(DESK, "state: RUNNING\n")
        self.begin()
        self.assertEqual((len(letting), self.reactor.spawned), (1, []))
        self.set(DESK, "closed\n")
        letting[0].callback(None)
        self.says("nothing\n")
        self.set(DESK, "state: RUNNING\n")
        self.reactor.advance(FIRST_PAUSE_SECONDS)
        self.begin()
        self.assertEqual((len(letting), len(self.reactor.spawned)), (1, 1))

    def test_another_card(self) -> None:
        """What a card says that has got the number meanwhile is not taken for the first one's."""
        self.begin()
        place = self.root / "usb"
        place.mkdir()
        (place / "idVendor").write_text("1397\n")
        (place / "serial").write_text("OTHER\n")
        (self.root / "sound/card1").mkdir(parents=True)
        (self.root / "sound/card1/device").symlink_to(place)
        self.says(DUMP)
        self.assertEqual(self.known(), {})

    def test_hanging(self) -> None:
        """A program that hangs is ended after its time; what it has printed counts."""
        self.begin()
        self.reactor.last.says(b"CHANNELS: 8\nRATE: 48000\n", 2)
        self.reactor.advance(LIMIT_SECONDS - 0.1)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(0.1)
        self.reactor.advance(1.0)
        self.assertEqual(self.reactor.last.signals, ["TERM", "KILL"])
        self.reactor.last.ends(None, 9)
        self.assertEqual(self.known(), {DESK: Parameters(8, (48_000,))})

    def test_pauses(self) -> None:
        """A device that says nothing is asked again after a while, later and later."""
        pause, asked = FIRST_PAUSE_SECONDS, 0
        with capturedLogs() as logs:
            for _ in range(9):
                self.begin()
                asked += 1
                self.assertEqual(len(self.reactor.spawned), asked)
                self.says("arecord: main:831: audio open error: Device or resource busy\n")
                self.reactor.advance(pause - 0.1)
                self.begin()
                self.assertEqual(len(self.reactor.spawned), asked)
                self.reactor.advance(0.1)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.assertEqual(pause, LONGEST_PAUSE_SECONDS)
        self.assertEqual(len(logs), 1)

    def test_waiting(self) -> None:
        """Whoever waits is told when all were asked, at once when nobody is."""
        self.successResultOf(self.subject.when_over())
        self.begin(DESK, BOOTH)
        first, second = self.subject.when_over(), self.subject.when_over()
        self.says(DUMP)
        self.assertNoResult(first)
        self.says(DUMP)
        self.successResultOf(first)
        self.successResultOf(second)

    def test_no_program(self) -> None:
        """A program that is not there is one that says nothing."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        self.begin()
        self.assertEqual((self.known(), self.subject.active), ({}, False))


class FileTests(AskingCase):
    def test_not_kept(self) -> None:
        """Where nothing is to be kept, nothing is written."""
        self.subject.keeping = False
        self.begin()
        self.says(DUMP)
        self.assertEqual(self.known(), {DESK: TOLD})
        self.assertFalse(self.subject.path.parent.exists())

    def test_damaged(self) -> None:
        """A file that cannot be understood is told of, and written anew."""
        self.subject.path.parent.mkdir()
        self.subject.path.write_bytes(b"\xff\0{")
        with capturedLogs() as logs:
            self.assertEqual(self.known(), {})
        self.assertEqual(len(logs), 1)
        self.begin()
        self.says(DUMP)
        self.subject = self.agent()
        self.assertEqual(self.known(), {DESK: TOLD})

    def test_full_disk(self) -> None:
        """A file that cannot be written costs only that devices are asked after a restart."""
        self.subject.path.parent.write_text("a file in the way")
        self.begin()
        with capturedLogs() as logs:
            self.says(DUMP)
        self.assertEqual(self.known(), {DESK: TOLD})
        self.assertIn("cannot be written", logs[0]["what"])
