"""The system is asked with a time limit, and an answer that cannot be had is told from "none"."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from rakkr.inventory.asking import HardwareAsking
from rakkr.inventory.card_files import CardFiles
from rakkr.inventory.host import Machine
from rakkr.inventory.interface import Inventory
from rakkr.inventory.probe import InventoryProbe
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads as InThreads

CARD = b"card 2: XUSB [X-USB \xff\0], device 0: USB Audio [USB Audio]\n"


@implementer(IReactorFromThreads)
class FakeThreads:
    """A reactor whose threads hand over at once."""

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:  # noqa: A002
        """Call it here and now."""
        callable(*args, **kwargs)


class FakePool(ThreadPool):
    """A pool that works at once in the calling thread; it is never started."""

    def callInThreadWithCallback(self, onResult: Any, func: Any, *args: Any, **kw: Any) -> None:
        """Call it here and now."""
        try:
            result, success = func(*args, **kw), True
        except Exception:  # noqa: BLE001
            result, success = Failure(), False
        onResult(success, result)


class ProbeTests(SynchronousTestCase):
    """Asking the system."""

    def setUp(self) -> None:
        """Make a system without any card."""
        self.reactor = FakeReactor()
        self.root = Path(tempfile.mkdtemp())
        self.asound = self.root / "asound"
        self.asound.mkdir(parents=True)
        self.subject = InventoryProbe(
            spawner=self.reactor,
            clock=self.reactor,
            threads=FakeThreads(),
            pool=FakePool(),
            environ={"PATH": "/bin", "LC_ALL": "de_DE.UTF-8"},
            machine=Machine(uname=_no_names, addresses=dict, pointer_bits=64, root=self.root),
            arecord_command="arecord",
            pcm_list=self.asound / "pcm",
            sound=self.root / "sound",
            limit=10.0,
        )

    def probing(self) -> Deferred[Inventory]:
        """Begin to ask."""
        return Deferred.fromCoroutine(self.subject.probe())

    def found(self, probing: Deferred[Inventory]) -> Inventory:
        """The answer; nothing may be left on the clock."""
        inventory = self.successResultOf(probing)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return inventory

    def test_fake_is_true(self) -> None:
        """The fake reactor offers what a real one does."""
        verifyObject(IReactorFromThreads, FakeThreads())

    def test_listed(self) -> None:
        """Devices that arecord names are the inputs, with what the kernel tells of them."""
        (self.asound / "card2").mkdir()
        (self.asound / "card2/stream0").write_text("Capture:\n Channels: 8\n Rates: 96000\n")
        probing = self.probing()
        self.assertNoResult(probing)
        self.reactor.last.says(CARD)
        self.reactor.last.ends()
        inventory = self.found(probing)
        (interface,) = inventory.interfaces
        self.assertEqual((interface.channel_count, interface.sample_rates), (8, (96_000,)))
        self.assertEqual(interface.system_name, "X-USB \N{REPLACEMENT CHARACTER} USB Audio")
        self.assertEqual((inventory.probe_ok, inventory.reason), (True, None))

    def test_how_arecord_is_called(self) -> None:
        """The program lists devices in the C locale and opens none."""
        probing = self.probing()
        self.assertEqual(self.reactor.last.argv, ["arecord", "-l"])
        self.assertEqual(self.reactor.last.env, {"PATH": "/bin", "LC_ALL": "C"})
        self.reactor.last.ends()
        self.found(probing)
        self.assertEqual(len(self.reactor.spawned), 1)

    def test_kernel_list(self) -> None:
        """When arecord names nothing the kernel's list is read."""
        self.subject.pcm_list.write_text("01-00: Desk : Desk : capture 1\n")
        probing = self.probing()
        self.reactor.last.ends()
        inventory = self.found(probing)
        self.assertEqual([i.id for i in inventory.interfaces], ["alsa_hw_1_0"])
        self.assertIsNone(inventory.reason)

    def test_no_card(self) -> None:
        """A system without cards answers, with an empty list."""
        probing = self.probing()
        self.reactor.last.ends()
        self.assertEqual(self.found(probing), Inventory((), probe_ok=True))

    def test_not_installed(self) -> None:
        """Without arecord the kernel's list is the answer, and the reason is worth a remark."""
        self.subject.pcm_list.write_text("01-00: Desk : Desk : capture 1\n")
        self.reactor.refuse = OSError(errno.ENOENT, "No such file or directory")
        inventory = self.found(self.probing())
        self.assertEqual([i.id for i in inventory.interfaces], ["alsa_hw_1_0"])
        self.assertTrue(inventory.probe_ok)
        self.assertIn("arecord cannot be started", inventory.reason or "")

    def test_failed(self) -> None:
        """A failing arecord is no answer: the kernel's list would give inputs other references."""
        self.subject.pcm_list.write_text("01-00: Desk : Desk : capture 1\n")
        probing = self.probing()
        self.reactor.last.says(CARD)
        self.reactor.last.says(b"bro\x1bken\nbusy\n", 2)
        self.reactor.last.ends(1)
        inventory = self.found(probing)
        self.assertEqual((inventory.interfaces, inventory.probe_ok), ((), False))
        self.assertEqual(inventory.reason, "arecord -l failed: exit code 1 (bro ken; busy)")

    def test_nothing_can_be_asked(self) -> None:
        """When neither way works the answer is not "none", and says why."""
        self.reactor.refuse = OSError(errno.ENOENT, "No such file or directory")
        inventory = self.found(self.probing())
        self.assertEqual((inventory.interfaces, inventory.probe_ok), ((), False))
        self.assertIn("arecord cannot be started", inventory.reason or "")
        self.assertIn("cannot be read", inventory.reason or "")

    def test_hanging_arecord(self) -> None:
        """An arecord that does not answer is ended after its time, and is no answer."""
        self.subject.pcm_list.write_text("01-00: Desk : Desk : capture 1\n")
        probing = self.probing()
        self.reactor.advance(9.9)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(0.2)
        self.assertEqual(self.reactor.last.signals, ["TERM"])
        self.reactor.last.ends(None, signal=15)
        inventory = self.found(probing)
        self.assertEqual((inventory.interfaces, inventory.probe_ok), ((), False))
        self.assertEqual(inventory.reason, "arecord -l did not answer within 10 s")

    def test_late_arecord(self) -> None:
        """An arecord that ends well only because it was told to end has not answered either."""
        probing = self.probing()
        self.reactor.advance(10)
        self.reactor.last.ends()
        self.assertFalse(self.found(probing).probe_ok)

    def test_cancelled(self) -> None:
        """A probe that is given up takes its program with it."""
        probing = self.probing()
        probing.cancel()
        self.failureResultOf(probing, CancelledError)
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.reactor.last.ends(None, signal=9)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def asked(self) -> HardwareAsking:
        """Let devices be asked what they can do."""
        self.subject.asking = HardwareAsking(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=InThreads(),
            env={},
            command="arecord",
            files=CardFiles(self.asound, self.root / "sound"),
            path=self.root / "known.json",
            busy=lambda: False,
        )
        return self.subject.asking

    def test_asked_beside(self) -> None:
        """Which devices there are is said at once; what they can do the next time."""
        asking = self.asked()
        place = self.asound / "card2/pcm0c/sub0"
        place.mkdir(parents=True)
        (place / "status").write_text("closed\n")
        probing = self.probing()
        self.reactor.last.says(CARD)
        self.reactor.last.ends()
        (interface,) = self.successResultOf(probing).interfaces
        self.assertEqual((interface.channel_count, interface.assumed), (2, True))
        self.assertTrue(asking.active)
        (place / "status").write_text("state: RUNNING\n")
        (place / "hw_params").write_text("channels: 4\nrate: 48000 (48000/1)\n")
        self.reactor.last.says(b"CHANNELS: 32\nRATE: 96000\n", 2)
        self.reactor.last.ends(1)
        probing = self.probing()
        self.reactor.last.says(CARD)
        self.reactor.last.ends()
        (interface,) = self.found(probing).interfaces
        self.assertEqual((interface.channel_count, interface.assumed), (32, False))
        self.assertEqual(len(self.reactor.spawned), 3)

    def test_nothing_to_ask(self) -> None:
        """Nobody waits for devices that cannot be looked for."""
        asking = self.asked()
        probing = self.probing()
        self.reactor.last.ends(1)
        self.found(probing)
        self.assertFalse(asking.active)
        asking.active = True
        self.reactor.refuse = LookupError("a defect")  # type: ignore[assignment]
        self.failureResultOf(self.probing(), LookupError)
        self.assertFalse(asking.active)

    def test_no_sound_at_all(self) -> None:
        """Without the program, on a kernel that knows of no sound, there is no card for sure."""
        self.asound.rmdir()
        self.reactor.refuse = OSError(errno.ENOENT, "No such file or directory")
        inventory = self.found(self.probing())
        self.assertEqual((inventory.interfaces, inventory.probe_ok), ((), True))

    def test_error_in_thread(self) -> None:
        """An error that nobody foresaw comes out, instead of an empty answer."""
        reading = Deferred.fromCoroutine(self.subject.host())
        self.failureResultOf(reading, LookupError)


def _no_names() -> None:
    raise LookupError("no names")
