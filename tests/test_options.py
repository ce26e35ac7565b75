"""The command line is read as it is documented, and strictly."""

from __future__ import annotations

import sys
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from rakkr.options import Options
from rakkr.settings import SETTINGS, Resolved, Settings
from rakkr.version import VERSION


def parsed(*arguments: str, **environ: str) -> Resolved:
    """What a command line and an environment come to."""
    options = Options(environ)
    options.parseOptions(arguments)
    return options.resolved


class OptionsTests(SynchronousTestCase):
    """Reading arguments."""

    def refusal(self, *arguments: str, **environ: str) -> str:
        """The sentence with which a command line is refused."""
        return str(self.assertRaises(UsageError, parsed, *arguments, **environ))

    def printed(self, *arguments: str) -> str:
        """What is written to standard output before the program ends with code 0."""
        out = StringIO()
        self.patch(sys, "stdout", out)
        error = self.assertRaises(SystemExit, parsed, *arguments)
        self.assertEqual(error.code, 0)
        return out.getvalue()

    def test_nothing(self) -> None:
        """Without arguments there are the defaults."""
        self.assertEqual(parsed().settings, Settings())

    def test_value_forms(self) -> None:
        """A value follows as the next argument or after an equals sign."""
        for arguments in (("--node-id", "n"), ("--node-id=n",)):
            resolved = parsed(*arguments)
            self.assertEqual(resolved.settings.node_id, "n")
            self.assertEqual(resolved.explicit, {"node_id"})

    def test_both_spellings(self) -> None:
        """The names of the node can be given in either spelling."""
        settings = parsed("--alias", "a", "--node-site", "b", "--node-room", "c").settings
        self.assertEqual((settings.alias, settings.site, settings.room), ("a", "b", "c"))
        settings = parsed("--node-alias", "a", "--site", "b", "--room", "c").settings
        self.assertEqual((settings.alias, settings.site, settings.room), ("a", "b", "c"))

    def test_switches(self) -> None:
        """A switch is turned on by its flag and off by its ``--no-`` form."""
        self.assertTrue(parsed("--solo").settings.solo)
        self.assertFalse(parsed("--no-solo", RAKKR_SOLO="1").settings.solo)
        self.assertFalse(parsed("--no-system-health-enabled").settings.system_health_enabled)
        self.assertIn("takes no value", self.refusal("--solo=true"))
        self.assertIn("takes no value", self.refusal("--no-solo="))

    def test_last_one_counts(self) -> None:
        """Of a repeated flag the last one counts, in whatever form and spelling."""
        self.assertTrue(parsed("--no-solo", "--solo").settings.solo)
        self.assertFalse(parsed("--solo", "--no-solo").settings.solo)
        self.assertEqual(parsed("--alias", "a", "--node-alias", "b").settings.alias, "b")

    def test_valued_switch(self) -> None:
        """The bit rate switch takes a word, in both forms."""
        self.assertFalse(parsed("--capture-output-vbr=false").settings.capture_output_vbr)
        self.assertFalse(parsed("--capture-output-vbr", "no").settings.capture_output_vbr)
        resolved = parsed("--capture-output-vbr", "1", RAKKR_CAPTURE_OUTPUT_VBR="0")
        self.assertTrue(resolved.settings.capture_output_vbr)
        self.assertIn("'2'", self.refusal("--capture-output-vbr", "2"))
        self.assertIn("is not a flag", self.refusal("--no-capture-output-vbr"))

    def test_hyphens(self) -> None:
        """A value may begin with a hyphen: negative numbers and templates need no equals sign."""
        resolved = parsed("--meter-clip-dbfs", "-3", "--capture-args-template", "-D {device} -d 5")
        self.assertEqual(resolved.settings.meter_clip_dbfs, -3.0)
        self.assertEqual(resolved.settings.capture_args_template, "-D {device} -d 5")
        self.assertEqual(
            parsed("--meter-args-template", "--raw").settings.meter_args_template, "--raw"
        )

    def test_precedence(self) -> None:
        """The command line beats the environment."""
        environ = {"RAKKR_NODE_ID": "variable", "RAKKR_NODE_SITE": "variable"}
        settings = parsed("--node-id", "flag", **environ).settings
        self.assertEqual((settings.node_id, settings.site), ("flag", "variable"))

    def test_forgotten_value(self) -> None:
        """A flag is never taken for the value of the flag before it."""
        sentence = self.refusal("--node-id", "--solo")
        self.assertIn("--node-id needs a value, but the flag --solo follows", sentence)
        self.assertEqual(parsed("--node-id=--solo").settings.node_id, "--solo")
        self.assertEqual(self.refusal("--node-id"), "--node-id needs a value.")

    def test_unknown_flag(self) -> None:
        """An unknown flag is named, with the one that was probably meant."""
        self.assertEqual(
            self.refusal("--heartbeat-second", "5"),
            "--heartbeat-second is not a flag of this program; did you mean --heartbeat-seconds?",
        )
        self.assertEqual(self.refusal("-x"), "-x is not a flag of this program.")

    @given(st.sampled_from(SETTINGS), st.data())
    def test_no_abbreviations(self, row, data) -> None:
        """No flag can be shortened, so that a new flag cannot change what an old line means."""
        full = row.flags[0]
        short = full[: data.draw(st.integers(1, len(full) - 1))]
        known = {flag for other in SETTINGS for flag in other.flags}
        if short not in known:
            self.assertIn("is not a flag", self.refusal(f"--{short}", "1"))

    def test_positionals(self) -> None:
        """Anything that is not a flag is refused in one sentence."""
        for arguments in (("daemon",), ("--", "daemon"), ("--solo", "daemon", "--node-id", "n")):
            self.assertIn("'daemon' is not a flag", self.refusal(*arguments))

    def test_bad_value(self) -> None:
        """A bad value is refused in one sentence with flag or variable, value and range."""
        expected = "it must be a whole number from 1 to 3600 (seconds)."
        sentence = self.refusal("--heartbeat-seconds", "0")
        self.assertEqual(sentence, f"--heartbeat-seconds is '0', but {expected}")
        sentence = self.refusal(RAKKR_HEARTBEAT_SECONDS="soon")
        self.assertEqual(sentence, f"RAKKR_HEARTBEAT_SECONDS is 'soon', but {expected}")

    def test_contradiction(self) -> None:
        """Settings that exclude each other are refused like bad values."""
        sentence = self.refusal("--controller-token", "t", "--controller-token-file", "f")
        self.assertIn("exclude each other", sentence)

    def test_bad_template(self) -> None:
        """A template that no job could use is refused at the start."""
        for flag in ("--capture-args-template", "--meter-args-template"):
            sentence = self.refusal(flag, '-D "{device}')
            self.assertIn(f"{flag} is '-D \"{{device}}', but it must be", sentence)

    def test_bad_format(self) -> None:
        """A format that no job could use is refused at the start, by the name that gave it."""
        expected = " is 'BOGUS', but it must be one of S8, U8, S16_LE"
        self.assertIn(f"--capture-format{expected}", self.refusal("--capture-format", "BOGUS"))
        self.assertIn(f"RAKKR_CAPTURE_FORMAT{expected}", self.refusal(RAKKR_CAPTURE_FORMAT="BOGUS"))
        self.assertEqual(parsed("--capture-format", "cd").settings.capture_format, "cd")

    def test_format_of_a_template(self) -> None:
        """With a template the format is whatever its program understands."""
        settings = parsed("--capture-format", "s16", "--capture-args-template", "{format}").settings
        self.assertEqual(settings.capture_format, "s16")
        self.refusal("--capture-format", "s16", "--capture-args-template", "")

    def test_version(self) -> None:
        """The version is one line on standard output."""
        for flag in ("--version", "-V"):
            self.assertEqual(self.printed(flag), f"rakkr-recorder-agent {VERSION}\n")

    def test_help(self) -> None:
        """The help names every flag and variable, and no line is wider than a terminal."""
        for flag in ("--help", "-h"):
            text = self.printed(flag)
            for row in SETTINGS:
                self.assertIn(row.flags[0], text)
                self.assertIn(row.env or "", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_silence(self) -> None:
        """Neither reading nor refusing a command line prints anything."""
        out = StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", out)
        parsed("--solo")
        self.refusal("--sol")
        self.assertEqual(out.getvalue(), "")
