"""How the capture programs are called."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS, sample_format
from rakkr.capture.abilities import Abilities
from rakkr.capture.findings import Findings
from rakkr.capture.programs import (
    CannotLaunch,
    candidates,
    launch,
    package_of,
    route_of,
    server_of,
)
from rakkr.capture.template import BadTemplate
from rakkr.inventory.jack import JackPort, Patchbay
from rakkr.inventory.pipewire import Graph, Node
from tests.capture.requests import request

_PATH = Path("/data/take.raw.wav")
GRAPH = Graph(nodes=(Node(id=1, name="desk", serial="7", media_class="Audio/Source"),))
PORTS = Patchbay(ports=tuple(JackPort(name=f"sim:{n}", output=True) for n in (1, 2)))


class CandidatesTests(SynchronousTestCase):
    def test_only_the_default_is_replaced(self) -> None:
        """The default name becomes the backend's own programs; any other name stays."""
        for backend, command, expected in (
            ("alsa", "arecord", ("arecord",)),
            ("pipewire", "arecord", ("pw-record", "pw-cat", "arecord")),
            ("jack", "arecord", ("arecord", "jack_capture")),
            ("jack", "/usr/bin/arecord", ("/usr/bin/arecord",)),
            ("pipewire", "rakkr-tone", ("rakkr-tone",)),
        ):
            asked = request(backend=backend, command=command)
            self.assertEqual(candidates(asked), expected)

    def test_a_template_has_one_program(self) -> None:
        """A template is written for one program, and no other may take its place."""
        asked = request(backend="pipewire", args_template="{device} -")
        self.assertEqual(candidates(asked), ("pw-record",))
        asked = request(backend="jack", args_template="-c {channels} {output}")
        self.assertEqual(candidates(asked), ("jack_capture",))
        self.assertEqual(launch(asked, _PATH).argv[0], "jack_capture")


class RouteTests(SynchronousTestCase):
    def test_the_best_that_is_there(self) -> None:
        """The first program that can be used is called; while nobody looked, the first of all."""
        for backend, device, view in (("pipewire", "desk", GRAPH), ("jack", "sim", PORTS)):
            asked = request(backend=backend, device=device)
            wished = candidates(asked)
            for usable in (wished, wished[1:], wished[-1:]):
                found = Findings(programs={name: Abilities() for name in usable}, view=view)
                self.assertEqual(route_of(asked, found).launch.argv[0], usable[0])
            self.assertEqual(route_of(asked, Findings(view=view)).launch.argv[0], wished[0])

    def test_second_best(self) -> None:
        """A program that stands in for a better one does so with a remark."""
        for backend, device, view, remark in (
            ("pipewire", "desk", GRAPH, "pw-record is not installed: arecord"),
            ("jack", "sim", PORTS, "ALSA has no plugin for JACK: jack_capture"),
        ):
            asked = request(backend=backend, device=device)
            first, last = (
                route_of(asked, Findings(programs={name: Abilities()}, view=view))
                for name in (candidates(asked)[0], candidates(asked)[-1])
            )
            self.assertIsNone(first.remark)
            assert last.remark is not None
            self.assertTrue(last.remark.startswith(remark), last.remark)

    def test_nothing_is_there(self) -> None:
        """Where nothing can record a backend, the packages that help are named."""
        for backend, package, plugin in (
            ("pipewire", "pipewire-bin", "pipewire-alsa"),
            ("jack", "jack-capture", "libasound2-plugins"),
        ):
            with self.assertRaisesRegex(CannotLaunch, f"package {package}, or {plugin} for"):
                route_of(request(backend=backend), Findings(programs={}))
        alone = route_of(request(command="jack_capture", device="sim"), Findings(programs={}))
        self.assertEqual(alone.launch.argv[0], "jack_capture")

    def test_a_plugin_that_was_named(self) -> None:
        """ALSA's device for PipeWire is taken for what it is, whoever names it, but no other."""
        named = request(device="pipewire:NODE=desk")
        for asked in (named, request(command="/usr/bin/arecord", device="pipewire")):
            self.assertEqual(server_of(asked), "pipewire")
            self.assertIn("PIPEWIRE_ALSA", route_of(asked, Findings()).launch.env)
        other = request(command="/usr/bin/arecord", device="hw:0", backend="pipewire")
        self.assertIsNone(server_of(other))
        self.assertEqual(route_of(other, Findings()).launch.argv[1:3], ("-D", "hw:0"))

    def test_servers(self) -> None:
        """A server is asked only where we know what the program does with it."""
        for expected, changes in (
            (None, {}),
            ("pipewire", {"backend": "pipewire"}),
            ("pipewire", {"command": "/opt/pw-cat"}),
            ("jack", {"backend": "jack"}),
            ("jack", {"command": "jack_capture"}),
            (None, {"backend": "jack", "command": "rakkr-tone"}),
            (None, {"backend": "jack", "args_template": "-x"}),
            (None, {"device": "pipewires"}),
        ):
            self.assertEqual(server_of(request(**changes)), expected, changes)


class LaunchTests(SynchronousTestCase):
    def test_arecord(self) -> None:
        """arecord writes headerless samples to its stdout, which is our file."""
        call = launch(request(), _PATH)
        expected = "arecord -D hw:0 -f S16_LE -r 8000 -c 2 -t raw -"
        self.assertEqual(" ".join(call.argv), expected)
        self.assertEqual((call.owner, call.ends_itself), ("agent", False))

    def test_names_by_path(self) -> None:
        """A program is known by its base name."""
        for command in ("/usr/bin/arecord", "/opt/venv/bin/rakkr-tone"):
            self.assertEqual(launch(request(command=command), _PATH).owner, "agent")

    def test_unknown_program(self) -> None:
        """A wrapper script is called like arecord with the file as its last argument."""
        call = launch(request(command="/opt/wrapper"), _PATH)
        expected = "/opt/wrapper -D hw:0 -f S16_LE -r 8000 -c 2 -d 10 /data/take.raw.wav"
        self.assertEqual(" ".join(call.argv), expected)
        self.assertEqual(call.owner, "program")

    def test_template_with_output(self) -> None:
        """A template that names the output makes the program own its file."""
        text = "--in {device} -n {seconds} {format}/{sample_rate}/{channels} {output} {output_path}"
        call = launch(request(command="rec", args_template=text, device="a b"), _PATH)
        expected = ("rec", "--in", "a b", "-n", "10", "S16_LE/8000/2", str(_PATH), str(_PATH))
        self.assertEqual(call.argv, expected)
        self.assertEqual((call.owner, call.ends_itself), ("program", True))

    def test_template_without_output_or_duration(self) -> None:
        """Without an output the samples come on stdout; without a duration we end the program."""
        call = launch(request(args_template="-D {device} -t raw"), _PATH)
        self.assertEqual((call.owner, call.ends_itself), ("agent", False))

    def test_a_file_that_arecord_would_split(self) -> None:
        """A WAV file of 2 GiB is refused to arecord, which would split it, and to nobody else."""
        text = "-D {device} -d {seconds} {output}"
        longest, longer = ((1 << 31) - 1) // 32000, ((1 << 31) - 1) // 32000 + 1
        launch(request(args_template=text, seconds=longest), _PATH)
        for command in ("arecord", "/usr/bin/arecord"):
            with self.assertRaisesRegex(CannotLaunch, "2 GiB.*-t raw -"):
                launch(request(command=command, args_template=text, seconds=longer), _PATH)
        for command, other in (("wrapper", text), ("arecord", "-t raw {output}"), ("arecord", "-")):
            launch(request(command=command, args_template=other, seconds=longer), _PATH)
        launch(request(seconds=longer), _PATH)

    def test_bad_template(self) -> None:
        """A template that cannot be followed is refused before anything is opened."""
        with self.assertRaises(BadTemplate):
            launch(request(args_template="'"), _PATH)

    def test_numbers_that_make_no_sense(self) -> None:
        """No seconds, no channels and no rate are refused, one of each is enough."""
        launch(request(seconds=1, channels=1, rate=1), _PATH)
        for name in ("seconds", "channels", "rate"):
            with self.assertRaisesRegex(CannotLaunch, name):
                launch(request(**{name: 0}), _PATH)

    def test_pw_record(self) -> None:
        """pw-record gives headerless unmixed samples on stdout, and has to be ended."""
        call = launch(request(backend="pipewire", device="desk", channels=32), _PATH)
        words = " ".join(call.argv)
        self.assertTrue(words.startswith("pw-record --record --target desk --rate 8000"), words)
        self.assertIn("stream.dont-remix=true", words)
        self.assertEqual((call.owner, call.ends_itself, call.argv[-1]), ("agent", False, "-"))

    def test_pw_record_formats(self) -> None:
        """24 bits of PipeWire come as 32, and formats that it lacks are refused with a list."""
        packed = request(backend="pipewire", format=sample_format("S24_LE"))
        self.assertEqual(launch(packed, _PATH).format, FORMATS["S32_LE"])
        with self.assertRaisesRegex(CannotLaunch, "S16_LE"):
            launch(request(backend="pipewire", format=sample_format("S8")), _PATH)

    def test_the_default_device(self) -> None:
        """The default device is not named, so that the sound server chooses."""
        words = launch(request(backend="pipewire", device="default"), _PATH).argv
        self.assertNotIn("default", words)

    def test_jack_capture(self) -> None:
        """jack_capture makes its own RF64 file, and does not listen to its stdin."""
        call = launch(request(command="jack_capture", device="sim:out_*"), _PATH)
        expected = "jack_capture --no-stdin -d 10 -c 2 -f rf64 -b 16 -dc --port sim:out_* "
        self.assertEqual(" ".join(call.argv), expected + str(_PATH))
        with self.assertRaises(CannotLaunch):
            launch(request(command="jack_capture", format=sample_format("U8")), _PATH)

    def test_packages(self) -> None:
        """The Debian packages of the known programs are known."""
        self.assertEqual(package_of("/usr/bin/arecord"), "alsa-utils")
        self.assertEqual(package_of("pw-record"), "pipewire-bin")
        self.assertEqual(package_of("jack_capture"), "jack-capture")
        self.assertIsNone(package_of("wrapper"))
