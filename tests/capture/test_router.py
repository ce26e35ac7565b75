"""How a capture is made is found out before it begins."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.pipewire import TooFewChannels
from rakkr.capture.probing import Probing
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.capture.router import FindRoute, Router
from rakkr.inventory.servers import SoundServers
from tests.capture.requests import request
from tests.capture.texts import recorded
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.inventory.test_jack import REAL

DUMP = Path(__file__).parent.parent / "inventory" / "dumps" / "bookworm-linked.json"


class RouterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bin = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.reactor = FakeReactor()
        env = {"PATH": str(self.bin)}
        probing = Probing(self.reactor, self.reactor, env)
        servers = SoundServers(self.reactor, self.reactor, FakeThreads(), env)
        self.subject: FindRoute = Router(probing, servers, self.reactor, lambda: "rakkr-1")
        self.asked: list[str] = []

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def find(self, **changes: Any) -> Deferred[CaptureRequest]:
        """Begin to find out."""
        return self.subject(request(**changes))

    def install(self, *names: str) -> None:
        """Put programs on the PATH."""
        for name in names:
            (self.bin / name).touch(0o755)

    def answer(self, **texts: str) -> None:
        """Let every program that is started print what is laid out for it, as long as one is."""
        while self.reactor.spawned and not self.reactor.last.ended:
            child = self.reactor.last
            name = Path(child.argv[0]).name.replace("-", "_")
            self.asked.append(" ".join([name, *child.argv[1:]]))
            kind = {"--help": "help", "--help2": "help", "--version": "version", "-L": "pcms"}
            key = (
                f"{name}_{kind[child.argv[1]]}"
                if child.argv[1:2] and child.argv[1] in kind
                else name
            )
            child.says(texts.get(key, "").encode())
            child.ends(0 if key in texts else 1)

    def test_a_card(self) -> None:
        """A card of ALSA needs no finding out, and no program is started for it."""
        asked = request()
        self.assertIs(self.successResultOf(self.subject(asked)), asked)
        self.assertEqual(self.reactor.spawned, [])

    def test_pipewire(self) -> None:
        """The program says what it can do, the server what it has."""
        self.install("pw-record", "arecord", "pw-dump")
        finding = self.find(backend="pipewire", device="sim-8", channels=8)
        self.answer(
            pw_record_help=recorded("pw-record-sid.help"),
            pw_record_version=recorded("pw-record-sid.version"),
            pw_dump=DUMP.read_text(),
        )
        route = self.successResultOf(finding).route
        assert route is not None
        self.assertIn("--raw", route.launch.argv)
        self.assertIn("1678", route.launch.argv)
        assert route.launch.tie is not None
        self.assertEqual(route.launch.tie.client, "rakkr-1")
        self.assertEqual(self.asked, ["pw_record --help", "pw_record --version", "pw_dump"])

    def test_arecord_alone(self) -> None:
        """Where only arecord is there it is asked for its plugins."""
        self.install("arecord", "pw-dump")
        finding = self.find(backend="pipewire", device="sim-8")
        self.answer(
            arecord_help="-L, --list-pcms",
            arecord_version="1.2.8",
            arecord_pcms=recorded("arecord-bookworm.pcms"),
            pw_dump=DUMP.read_text(),
        )
        route = self.successResultOf(finding).route
        assert route is not None
        self.assertEqual(route.launch.argv[:3], ("arecord", "-D", "pipewire:NODE=sim-8"))

    def test_nothing_is_there(self) -> None:
        """Without any program, or with arecord but no plugin, there is nothing to call."""
        for backend in ("pipewire", "jack"):
            finding = self.find(backend=backend, device="sim")
            self.answer(pw_dump=DUMP.read_text(), jack_lsp=REAL)
            self.failureResultOf(finding, CannotLaunch)
        self.install("arecord")
        finding = self.find(backend="pipewire", device="sim-8")
        self.answer(
            arecord_help="-L, --list-pcms", arecord_pcms="default\n", pw_dump=DUMP.read_text()
        )
        self.failureResultOf(finding, CannotLaunch)

    def test_jack(self) -> None:
        """JACK is asked for its rate too, and recorded through the plugin where there is one."""
        self.install("arecord", "jack_capture", "jack_lsp")
        texts = {
            "arecord_help": "-L, --list-pcms",
            "arecord_version": "1.2.8",
            "arecord_pcms": recorded("arecord-bookworm.pcms"),
            "jack_capture_help": recorded("jack_capture-bookworm.help"),
            "jack_capture_version": "0.9.73",
            "jack_lsp": REAL,
            "jack_samplerate": "48000",
        }
        finding = self.find(backend="jack", device="sim", rate=48000)
        self.answer(**texts)
        route = self.successResultOf(finding).route
        assert route is not None
        self.assertEqual(route.launch.argv[0], "arecord")
        self.assertIn('1 "sim:out_10"', route.launch.argv[2])
        finding = self.find(backend="jack", device="sim", rate=44100)
        self.answer(**texts)
        self.failureResultOf(finding, CannotLaunch)
        finding = self.find(backend="jack", device="sim", rate=48000)
        self.answer(**{**texts, "arecord_pcms": "default\n"})
        route = self.successResultOf(finding).route
        assert route is not None
        self.assertEqual(route.launch.argv[0], "jack_capture")

    def test_no_names_of_ports(self) -> None:
        """The plugin has to be told the ports; without jack_lsp jack_capture finds them."""
        self.install("arecord", "jack_capture")
        finding = self.find(backend="jack", device="sim:*", rate=48000)
        self.answer(
            arecord_help="-L, --list-pcms",
            jack_capture_help=recorded("jack_capture-bookworm.help"),
        )
        route = self.successResultOf(finding).route
        assert route is not None
        self.assertEqual(route.launch.argv[0], "jack_capture")
        self.assertIsNone(route.launch.tie)

    def test_plugins_that_are_not_named(self) -> None:
        """An arecord that cannot name its plugins now is asked again, not taken to have none."""
        self.install("arecord", "jack_lsp")
        finding = self.find(backend="jack", device="sim", rate=48000)
        self.answer(arecord_help="-L, --list-pcms", jack_lsp=REAL)
        self.failureResultOf(finding, NotThere)

    def test_a_program_that_does_not_answer(self) -> None:
        """A program that cannot say what it can do is tried again, not called on a guess."""
        self.install("pw-record")
        finding = self.find(backend="pipewire")
        self.answer(pw_record_version="1")
        self.failureResultOf(finding, NotThere)

    def test_ports_on_their_way(self) -> None:
        """A source that has too few channels is looked at once more, a second later."""
        self.install("pw-record", "pw-dump")
        texts = {
            "pw_record_help": recorded("pw-record-sid.help"),
            "pw_record_version": "1.6.9",
            "pw_dump": DUMP.read_text(),
        }
        finding = self.find(backend="pipewire", device="sim-8", channels=9)
        self.answer(**texts)
        self.assertNoResult(finding)
        self.reactor.advance(1.0)
        self.answer(**texts)
        self.failureResultOf(finding, TooFewChannels)
        finding = self.find(backend="pipewire", device="sim-2", channels=8)
        self.answer(**texts)
        self.reactor.advance(1.0)
        grown = DUMP.read_text().replace('"sim-2"', '"sim-x"').replace('"sim-8"', '"sim-2"')
        self.answer(**{**texts, "pw_dump": grown})
        self.assertIsNotNone(self.successResultOf(finding).route)
