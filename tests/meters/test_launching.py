"""Tests for ``rakkr.meters.launching``."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.capture.findings import Findings
from rakkr.capture.programs import route_of
from rakkr.capture.route import CannotLaunch, Launch
from rakkr.capture.template import BadTemplate
from rakkr.meters.launching import meter_launch
from tests.capture.requests import request


def call(**changes: Any) -> Launch:
    """The call for a request."""
    return meter_launch(request(**changes))


class LaunchingTests(SynchronousTestCase):
    def test_arecord(self) -> None:
        """A program that writes headerless samples is called as for a recording, without an end."""
        for program in ("arecord", "rakkr-tone"):
            found = call(command=program)
            expected = f"{program} -D hw:0 -f S16_LE -r 8000 -c 2 -t raw -"
            self.assertEqual(" ".join(found.argv), expected)
            self.assertEqual(found.owner, "agent")

    def test_pw_record(self) -> None:
        """The format is the one that the program delivers, which may be wider."""
        wished = request(backend="pipewire", command="pw-record", format=sample_format("S24_LE"))
        routed = attrs.evolve(wished, route=route_of(wished, Findings()))
        found = meter_launch(routed)
        self.assertEqual(found.format.name, "S32_LE")
        self.assertEqual(found.argv[-1], "-")

    def test_jack_capture(self) -> None:
        """It writes 16 bits to stdout, whatever is asked for, and no file."""
        for name in ("S32_LE", "FLOAT_LE"):
            found = call(
                backend="jack",
                command="jack_capture",
                device="sim:out_1,sim:out_2",
                format=sample_format(name),
            )
            self.assertEqual(
                " ".join(found.argv),
                "jack_capture --no-stdin -d 10 -c 2 -dc --port sim:out_1 --port sim:out_2"
                " --write-to-stdout",
            )
            self.assertEqual((found.owner, found.format.name), ("agent", "S16_LE"))

    def test_template(self) -> None:
        """A template is followed, with stdout for the file."""
        found = call(
            command="sox",
            args_template="{device} '{output}' {output_path} -r {sample_rate} -c {channels}"
            " -f {format} -t {seconds}",
        )
        self.assertEqual(" ".join(found.argv), "sox hw:0 - - -r 8000 -c 2 -f S16_LE -t 10")

    def test_a_bad_template(self) -> None:
        """What is wrong with a template of the meter is said of that one."""
        for text in ("'", ""):
            with self.assertRaisesRegex(BadTemplate, "meter args template"):
                call(args_template=text)

    def test_a_program_with_a_file(self) -> None:
        """A program that can only make files is not called, and the reason says what to do."""
        with self.assertRaisesRegex(CannotLaunch, "give a meter args template"):
            call(command="wrapper")

    def test_impossible_numbers(self) -> None:
        """No channels, or no rate, is nothing that a program could be asked for."""
        for changes in ({"channels": 0}, {"rate": 0}):
            with self.assertRaises(CannotLaunch):
                call(**changes)
            with self.assertRaises(CannotLaunch):
                call(args_template="-c {channels}", **changes)
