"""What a run left behind is read as it is, torn as it may be."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.tone import numbered
from rakkr.tone.ledger import Ledger, Run
from tests.integration.chaos import evidence
from tests.integration.chaos.accounting import Declared, Gap

_S16 = sample_format("S16_LE")


class EvidenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a directory."""
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def note(self, name: str, *runs: Run) -> None:
        """Write a ledger."""
        descriptor = os.open(self.directory / name, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, descriptor)
        ledger = Ledger(descriptor, {})
        for run in runs:
            ledger.wrote(run.first, run.frames)

    def test_ledgers(self) -> None:
        """The ledgers of all programs are one truth, whatever their order."""
        self.note("1", Run(100, 10), Run(150, 10))
        self.note("2", Run(130, 5))
        self.note("3", Run(160, 5))
        (self.directory / "4").touch()  # killed before its first line
        self.assertEqual(
            evidence.ledgers(self.directory), (Run(100, 10), Run(130, 5), Run(150, 15))
        )

    def test_a_card_that_was_opened_twice(self) -> None:
        """A frame that two programs wrote is an error: a card gives each frame once."""
        self.note("1", Run(100, 10))
        self.note("2", Run(109, 5))
        with self.assertRaisesRegex(ValueError, "109 was written twice"):
            evidence.ledgers(self.directory)

    def test_kept_files(self) -> None:
        """Kept captures are read behind their headers, for what they hold."""
        for index, first in enumerate((1000, 5000)):
            data = numbered.encode(first, 50, _S16, 2)
            content = wave.header(_S16, 8000, 2, len(data)) + data + b"\0"
            (self.directory / f"{index}.raw.wav").write_bytes(content)
        (self.directory / "1.raw.stderr.log").write_bytes(b"overrun\n" * 9)
        found = evidence.kept_runs(self.directory, _S16, 8000, 2, 1000)
        self.assertEqual(found, (Run(1000, 50), Run(5000, 50)))

    def test_events(self) -> None:
        """Rotated logs come first, and a torn line spoils nothing but itself."""
        log = self.directory / "health.jsonl"
        log.with_name("health.jsonl.1").write_bytes(b'{"n": 1}\n')
        log.write_bytes(b'{"n": 2}\n{"n": \n7\n{"n": 3}\n')
        self.assertEqual([event["n"] for event in evidence.events(log)], [1, 2, 3])

    def test_declared(self) -> None:
        """The last account of a recording counts; dropouts are what either count says."""
        told = [
            self.account("a", missing=5),
            self.account("b"),
            self.account("a", milliseconds=100.0, missing=7),
        ]
        self.assertEqual(
            evidence.declared(told, "a", 8000),
            Declared(gaps=(Gap(10, 20, "gone"),), dropouts=800),
        )
        self.assertEqual(
            evidence.declared(told[:1], "a", 8000),
            Declared(gaps=(Gap(10, 20, "gone"),), dropouts=5),
        )
        self.assertIsNone(evidence.declared(told, "c", 8000))

    def account(
        self, recording: str, milliseconds: float = 0.0, missing: int = 0
    ) -> dict[str, Any]:
        """An event as the agent logs it."""
        details = {
            "gaps": [{"startFrame": 10, "frames": 20, "reason": "gone"}],
            "dropoutMilliseconds": milliseconds,
            "missingFrames": missing,
        }
        event = {"type": evidence.ACCOUNTED, "recordingId": recording, "details": details}
        read: dict[str, Any] = json.loads(json.dumps(event))
        return read


def test_what_was_told_as_the_end() -> None:
    """An event that says that it will be tried again tells of no end."""
    told = [
        {"type": evidence.FAILED[0], "recordingId": "a", "details": {"willRetry": True}},
        {"type": evidence.FAILED[0], "recordingId": "b", "details": {"willRetry": False}},
        {"type": evidence.FAILED[1], "recordingId": "c", "details": {}},
        {"type": evidence.ACCOUNTED, "recordingId": "d", "details": {}},
    ]
    assert evidence.told_of(told, *evidence.FAILED) == {"b", "c"}
