"""How recorders of JACK are called."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.capture.findings import Findings
from rakkr.capture.jack import by_arecord, by_jack_capture
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.capture.tie import Tie
from rakkr.inventory.jack import JackPort, Patchbay
from rakkr.inventory.view import NoAnswer
from tests.capture.requests import request
from tests.capture.texts import abilities_of

NAMES = tuple(f"sim:out_{number}" for number in range(1, 13))
PORTS = tuple(JackPort(name=name, output=True) for name in NAMES)
CARD = tuple(
    JackPort(name=f"system:capture_{number}", output=True, physical=True) for number in (1, 2)
)


def findings(**changes: Any) -> Findings:
    """Find a server at 8000 Hz with a sound card and a program of twelve ports."""
    found = Findings(
        programs={"jack_capture": abilities_of("jack_capture-bookworm")},
        view=Patchbay(ports=CARD + PORTS, rate=8000),
        client="rakkr-1",
    )
    return attrs.evolve(found, **changes)


def asked(**changes: Any) -> CaptureRequest:
    """Ask for two channels by JACK, with changes."""
    return request(**{"backend": "jack", "device": "sim", **changes})


def ports(device: str, channels: int = 2) -> tuple[str, ...]:
    """Find the ports that are recorded, which both programs are told in the same order."""
    wished = asked(device=device, channels=channels)
    call = by_jack_capture("jack_capture", wished, findings()).launch
    tie = call.tie
    assert tie is not None
    named = [call.argv[at + 1] for at, word in enumerate(call.argv) if word == "--port"]
    assert tuple(named) == tie.sources
    other = by_arecord("arecord", wished, findings()).launch.tie
    assert other is not None
    assert other.sources == tie.sources
    return tie.sources


class PortsTests(SynchronousTestCase):
    def test_patterns_and_lists(self) -> None:
        """Ports come by name, by client, by pattern, and as a list, in the order that was meant."""
        self.assertEqual(ports("sim", 12), NAMES)
        self.assertEqual(ports("sim:out_*", 10), NAMES[:10])
        self.assertEqual(ports("sim:out_1?", 3), NAMES[9:])
        self.assertEqual(ports("sim:out_3, sim:out_1"), ("sim:out_3", "sim:out_1"))
        self.assertEqual(ports("sim:out_2,sim:*", 3), ("sim:out_2", "sim:out_1", "sim:out_3"))

    def test_the_sound_card(self) -> None:
        """Where nobody names a port it is those of the sound card."""
        for device in ("default", ""):
            self.assertEqual(ports(device), ("system:capture_1", "system:capture_2"))

    def test_ports_that_are_not_there(self) -> None:
        """A port that is missing is said, not recorded as silence."""
        with self.assertRaisesRegex(NotThere, "no port desk:1; it has ports of sim, system"):
            ports("sim:out_1,desk:1")
        ports("sim", 12)
        with self.assertRaisesRegex(NotThere, "12 ports like sim, and 13 are needed"):
            ports("sim", 13)
        with self.assertRaisesRegex(NotThere, "it has ports of nothing"):
            by_arecord("arecord", asked(), findings(view=Patchbay()))

    def test_another_rate(self) -> None:
        """JACK has one rate; another one is refused, with both ways out."""
        for way, program in ((by_jack_capture, "jack_capture"), (by_arecord, "arecord")):
            way(program, asked(rate=8000), findings())
            way(program, asked(rate=44100), findings(view=Patchbay(ports=PORTS)))
            with self.assertRaisesRegex(CannotLaunch, "JACK runs at 8000 Hz .* deliver 44100 Hz"):
                way(program, asked(rate=44100), findings())


class JackCaptureTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        """It makes its own RF64 file, does not listen to its stdin, and gets ports one by one."""
        call = by_jack_capture("jack_capture", asked(), findings()).launch
        self.assertEqual(
            " ".join(call.argv),
            "jack_capture --no-stdin -d 10 -c 2 -f rf64 -b 16 -dc"
            " --port sim:out_1 --port sim:out_2",
        )
        self.assertEqual((call.owner, call.ends_itself), ("program", True))
        self.assertEqual(call.env, {"JACK_NO_START_SERVER": "1"})
        for word in filter(lambda word: word.startswith("-"), call.argv):
            self.assertTrue(findings().can("jack_capture", word), word)

    def test_formats(self) -> None:
        """Floats and 16, 24 and 32 bits are kept; what it lacks is refused with a list."""
        for name, bits, delivered in (
            ("S16_LE", "16", "S16_LE"),
            ("S24_LE", "32", "S32_LE"),
            ("S24_3LE", "32", "S32_LE"),
            ("S32_LE", "32", "S32_LE"),
            ("FLOAT_LE", "FLOAT", "FLOAT_LE"),
        ):
            call = by_jack_capture("jack_capture", asked(format=FORMATS[name]), findings()).launch
            self.assertIn(f"-b {bits} ", " ".join(call.argv))
            self.assertEqual(call.format, FORMATS[delivered])
        with self.assertRaisesRegex(CannotLaunch, "cannot deliver U8; use one of S16_LE"):
            by_jack_capture("jack_capture", asked(format=FORMATS["U8"]), findings())

    def test_a_server_that_shows_nothing(self) -> None:
        """The names are handed on as they are; the default is never what is being played."""
        blind = findings(view=NoAnswer("it is tired"))
        call = by_jack_capture("jack_capture", asked(device="a:1, b:2"), blind).launch
        self.assertEqual(call.argv[-4:], ("--port", "a:1", "--port", "b:2"))
        self.assertIsNone(call.tie)
        call = by_jack_capture("jack_capture", asked(device="default"), blind).launch
        self.assertEqual(call.argv[-2:], ("--port", "system:capture_*"))


class ArecordTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        """ALSA's plugin is described on the spot, with a name of ours, and converts the format."""
        call = by_arecord("arecord", asked(), findings()).launch
        plugin = (
            "plug:{SLAVE={type jack name rakkr-1 playback_ports {0 none}"
            ' capture_ports {0 "sim:out_1" 1 "sim:out_2"}}}'
        )
        expected = ("arecord", "-D", plugin, "-f", "S16_LE", "-r", "8000", "-c", "2")
        buffer = ("--buffer-time=16000000", "--period-time=250000")
        self.assertEqual(call.argv, (*expected, *buffer, "-t", "raw", "-"))
        self.assertEqual((call.owner, call.ends_itself), ("agent", False))
        self.assertEqual(call.tie, Tie(server="jack", client="rakkr-1", sources=NAMES[:2]))

    def test_names_that_need_care(self) -> None:
        """Quotes and backslashes in a name cannot end it."""
        odd = Patchbay(ports=(JackPort(name='a:"b\\', output=True),), rate=8000)
        call = by_arecord("arecord", asked(device="a", channels=1), findings(view=odd)).launch
        self.assertIn('{0 "a:\\"b\\\\"}', call.argv[2])

    def test_a_server_that_shows_nothing(self) -> None:
        """Without the names of the ports nothing can be called; it is tried again."""
        with self.assertRaisesRegex(NotThere, "not known: it is tired"):
            by_arecord("arecord", asked(), findings(view=NoAnswer("it is tired")))
