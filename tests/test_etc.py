"""The files that an administrator copies."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.settings import SETTINGS, resolve

ETC = Path(__file__).parent.parent / "etc"


class EtcTests(SynchronousTestCase):
    """What stands in them works."""

    def environment(self) -> dict[str, str]:
        """The variables of the environment file."""
        lines = (ETC / "recorder-agent.env").read_text().splitlines()
        pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
        return {name: value.strip('"') for name, value in pairs}

    def test_environment(self) -> None:
        """Every variable of the example is a setting, and the example can be started with."""
        environment = self.environment()
        self.assertLessEqual(environment.keys(), {row.env for row in SETTINGS})
        settings = resolve({}, environment).settings
        self.assertEqual(settings.alias, "Court 3")

    def test_stop_timeout(self) -> None:
        """systemd waits longer than an orderly end may take."""
        unit = (ETC / "rakkr-recorder.service").read_text()
        waits = int(unit.split("TimeoutStopSec=")[1].split()[0])
        self.assertGreater(waits, resolve({}, {}).settings.shutdown_seconds)
