"""How recorders of PipeWire are called."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.capture.findings import Findings
from rakkr.capture.pipewire import TooFewChannels, by_arecord, by_pw_record
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere
from rakkr.capture.tie import Tie
from rakkr.inventory.pipewire import Graph
from rakkr.inventory.view import NoAnswer
from tests.capture.requests import request
from tests.capture.texts import abilities_of
from tests.inventory.test_pipewire import RELEASES, dump

PROPERTIES = (
    "{ node.name=rakkr-1 stream.dont-remix=true node.dont-reconnect=true node.dont-fallback=true"
    " node.dont-move=true }"
)


def findings(release: str = "bookworm", **changes: Any) -> Findings:
    """Find a release of Debian, with its pw-record and two sources."""
    found = Findings(
        programs={"pw-record": abilities_of(f"pw-record-{release}")},
        view=dump(f"{release}-linked"),
        client="rakkr-1",
    )
    return attrs.evolve(found, **changes)


def asked(**changes: Any) -> CaptureRequest:
    """Ask for eight channels of the wide source, with changes."""
    return request(**{"backend": "pipewire", "device": "sim-8", "channels": 8, **changes})


def call(found: Findings, **changes: Any) -> Launch:
    """Decide how pw-record is called."""
    return by_pw_record("pw-record", asked(**changes), found).launch


class PwRecordTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        """The source is named by its serial number, its positions are asked for, stdout is raw."""
        self.assertEqual(
            call(findings()).argv,
            (
                *("pw-record", "--record", "--target", "1678", "--rate", "8000"),
                *("--channels", "8", "--channel-map", "AUX0,AUX1,AUX2,AUX3,AUX4,AUX5,AUX6,AUX7,"),
                *("--format", "s16", "-P", PROPERTIES, "-"),
            ),
        )

    def test_every_version(self) -> None:
        """Only options that a version has are used, and --raw as soon as it exists."""
        for release in RELEASES:
            found = findings(release)
            argv = call(found).argv
            self.assertEqual("--raw" in argv, release != "bookworm")
            for word in argv:
                # --record stands in no help text, and is taken by all of them.
                if word.startswith("--") and word != "--record":
                    self.assertTrue(found.can("pw-record", word), word)

    def test_what_it_is_tied_to(self) -> None:
        """The source's name is what has to stay joined; a default is resolved first."""
        tie = Tie(server="pipewire", client="rakkr-1", sources=("1678", "sim-8"))
        self.assertEqual(call(findings()).tie, tie)
        self.assertEqual(call(findings(), device="1678").tie, tie)
        for device in ("default", "", "auto"):
            made = call(findings(), device=device, channels=2)
            self.assertEqual(made.tie, attrs.evolve(tie, sources=("1690", "sim-2")))
            self.assertIn("1690", made.argv)

    def test_fewer_channels(self) -> None:
        """Of a wide source the first channels are taken."""
        words = " ".join(call(findings(), channels=3).argv)
        self.assertIn("--channels 3 --channel-map AUX0,AUX1,AUX2, ", words)

    def test_more_channels(self) -> None:
        """Channels that a source does not have are refused, and how many it has is said."""
        call(findings(), channels=8)
        with self.assertRaisesRegex(TooFewChannels, "sim-8 cannot deliver 9 .* it has 8: ask for"):
            call(findings(), channels=9)
        with self.assertRaisesRegex(CannotLaunch, "65 channels; 64 at most"):
            call(findings(), channels=65)

    def test_positions_that_help_nobody(self) -> None:
        """Positions that are unknown, or not different, are not asked for."""
        graph = dump("bookworm-linked")
        for channel in (None, "UNK", "AUX1", "a,b"):
            ports = tuple(
                attrs.evolve(port, channel=channel) if port.channel == "AUX0" else port
                for port in graph.ports
            )
            found = findings(view=attrs.evolve(graph, ports=ports))
            self.assertNotIn("--channel-map", call(found).argv)
        bare = findings(view=attrs.evolve(graph, ports=()))
        self.assertNotIn("--channel-map", call(bare).argv)

    def test_a_source_that_is_not_there(self) -> None:
        """What is not there is said, with what there is."""
        with self.assertRaisesRegex(NotThere, "no source desk; it has sim-8, sim-2"):
            call(findings(), device="desk")
        with self.assertRaisesRegex(NotThere, "it has nothing that can be recorded"):
            call(findings(view=Graph()))
        gone = Graph(default_source="sim-9")
        with self.assertRaisesRegex(NotThere, "no source sim-9"):
            call(findings(view=gone), device="default")

    def test_a_server_that_shows_nothing(self) -> None:
        """The name is handed on as it is, and is looked for again while it records."""
        found = findings(view=NoAnswer("it is tired"))
        made = call(found)
        self.assertIn("--target sim-8 --rate", " ".join(made.argv))
        self.assertEqual(made.tie, Tie(server="pipewire", client="rakkr-1", sources=("sim-8",)))
        free = call(found, device="default")
        self.assertNotIn("--target", free.argv)
        self.assertIsNone(free.tie)

    def test_a_sink(self) -> None:
        """What goes to a loudspeaker is recorded off its monitor."""
        graph = dump("bookworm-linked")
        nodes = tuple(
            attrs.evolve(node, media_class="Audio/Sink") if node.name == "sim-8" else node
            for node in graph.nodes
        )
        words = " ".join(call(findings(view=attrs.evolve(graph, nodes=nodes))).argv)
        self.assertIn("stream.capture.sink=true", words)

    def test_formats(self) -> None:
        """24 bits come as 32, and formats that it lacks are refused with a list."""
        for name, word, delivered in (
            ("U8", "u8", "U8"),
            ("S16_LE", "s16", "S16_LE"),
            ("S24_LE", "s32", "S32_LE"),
            ("S24_3LE", "s32", "S32_LE"),
            ("S32_LE", "s32", "S32_LE"),
            ("FLOAT_LE", "f32", "FLOAT_LE"),
        ):
            made = call(findings(), format=FORMATS[name])
            self.assertIn(f"--format {word} ", " ".join(made.argv))
            self.assertEqual(made.format, FORMATS[delivered])
        with self.assertRaisesRegex(CannotLaunch, "cannot deliver S16_BE; use one of U8"):
            call(findings(), format=FORMATS["S16_BE"])


class ArecordTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        """The plugin gets the source's name, and its stream the same properties."""
        for device in ("sim-8", "pipewire:NODE=sim-8", "pipewire:SERVER=x,NODE='sim-8'", "1678"):
            made = by_arecord("arecord", asked(device=device), findings()).launch
            expected = "arecord -D pipewire:NODE=sim-8 -f S16_LE -r 8000 -c 8 -t raw -"
            self.assertEqual(" ".join(made.argv), expected)
            self.assertEqual(made.env, {"PIPEWIRE_ALSA": PROPERTIES})
            self.assertEqual(
                made.tie, Tie(server="pipewire", client="rakkr-1", sources=("1678", "sim-8"))
            )

    def test_the_default_source(self) -> None:
        """Where nobody names a source, the server's default one is named, if it is known."""
        for device in ("default", "pipewire", "pipewire:SERVER=x"):
            found = by_arecord("arecord", asked(device=device, channels=2), findings()).launch
            self.assertEqual(found.argv[2], "pipewire:NODE=sim-2")
            blind = findings(view=NoAnswer("it is tired"))
            unknown = by_arecord("arecord", asked(device=device, channels=2), blind).launch
            self.assertEqual((unknown.argv[2], unknown.tie), ("pipewire", None))
