"""Tests for ``rakkr.cache.manifest``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.manifest import BadManifest, Entry, decode_manifest, encode_manifest
from rakkr.disk.holding import OnDisk
from tests.cache.holding import NOON, delivered, kept, policy

REFERENCE = {
    "entries": [
        {
            "outputPath": "/captures/1.flac",
            "policyId": "p",
            "rawOutputPath": "/captures/1.raw.wav",
            "recordingId": "rec_1",
        }
    ],
    "version": 1,
}


def entry(number: int, **more: Any) -> Entry:
    """A delivered recording of the list."""
    held = delivered(number, rule=policy(max_age_days=7), **more)
    return Entry(held, dict.fromkeys(held.files, OnDisk(8, 0, 10**18)))


class FormTests(SynchronousTestCase):
    """What is written, and read."""

    def test_the_contracts_form(self) -> None:
        """A reader of the contract's form finds its members, as text, in a list of version 1."""
        document = json.loads(encode_manifest([entry(1)]))
        self.assertEqual(document["version"], 1)
        (found,) = document["entries"]
        self.assertEqual(
            {name: found[name] for name in REFERENCE["entries"][0]},  # type: ignore[index]
            REFERENCE["entries"][0],  # type: ignore[index]
        )
        self.assertEqual(found["receipt"], {"checksum": f"sha256:{1:064x}", "parts": 1, "size": 4})
        self.assertEqual(found["uploadedAt"], "2027-01-15T08:00:00.000Z")
        self.assertEqual(
            found["files"][0], {"bytes": 8, "modifiedNs": 10**18, "path": "/captures/1.flac"}
        )
        self.assertEqual(found["policy"]["maxAgeDays"], 7)

    def test_no_policy(self) -> None:
        """A recording without a policy has text for its id all the same."""
        held = delivered(1)
        (found,) = json.loads(encode_manifest([Entry(held, {})]))["entries"]
        self.assertEqual((found["policyId"], found["policy"]), ("", None))
        ((read,), _) = decode_manifest(
            encode_manifest([Entry(held, dict.fromkeys(held.files, OnDisk(1, 0)))])
        )
        self.assertIsNone(read.holding.policy)

    def test_the_reference_agents_list(self) -> None:
        """An entry of the reference agent is read, has no receipt, and is written as it was."""
        ((read,), problems) = decode_manifest(json.dumps(REFERENCE).encode())
        self.assertEqual(problems, [])
        self.assertIsNone(read.holding.proof)
        self.assertEqual(read.holding.standing, "undelivered")
        self.assertEqual(
            read.holding.files, (Path("/captures/1.flac"), Path("/captures/1.raw.wav"))
        )
        self.assertEqual(json.loads(encode_manifest([read])), REFERENCE)

    def test_empty(self) -> None:
        """A list of nothing is a list."""
        self.assertEqual(decode_manifest(encode_manifest([])), ([], []))

    @given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 4e9), st.text()), max_size=4))
    def test_round_trip(self, facts: list[tuple[int, float, str]]) -> None:
        """What is written is read again, with its moment to the millisecond."""
        entries = [
            entry(number, uploaded=uploaded, job_ids=(job,)) for number, uploaded, job in facts
        ]
        found, problems = decode_manifest(encode_manifest(entries))
        self.assertEqual(problems, [])
        for before, after in zip(entries, found, strict=True):
            assert before.holding.proof is not None
            assert after.holding.proof is not None
            self.assertEqual(after.found, before.found)
            self.assertEqual(after.holding.job_ids, before.holding.job_ids)
            self.assertEqual(after.holding.policy, before.holding.policy)
            self.assertEqual(after.holding.proof.checksum, before.holding.proof.checksum)
            gap = after.holding.proof.uploaded - before.holding.proof.uploaded
            self.assertLess(abs(gap), 0.001)


class DamageTests(SynchronousTestCase):
    """What cannot be read."""

    def test_no_list(self) -> None:
        """What is no list of this version is refused with a sentence."""
        for content in (
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"entries":{},"version":1}',
            b"\xff",
            b'{"entries":[],"version":2}',
            b"[" * 100_000,
        ):
            with self.assertRaisesRegex(BadManifest, "decode recorder cache manifest"):
                decode_manifest(content)

    def test_one_entry(self) -> None:
        """An entry that cannot be read is named, and the others are there."""
        good = json.loads(encode_manifest([entry(1)]))["entries"][0]
        bad = [
            7,
            {},
            {**good, "files": 7},
            {**good, "uploadedAt": "x"},
            {**good, "receipt": {}},
            {**good, "receipt": {**good["receipt"], "size": -1}},
            {**good, "jobIds": [1]},
            {**good, "files": [{**good["files"][0], "modifiedNs": "x"}]},
        ]
        content = json.dumps({"entries": [*bad, good], "version": 1}).encode()
        found, problems = decode_manifest(content)
        self.assertEqual([each.holding.recording_id for each in found], ["rec_1"])
        self.assertEqual(len(problems), len(bad))
        self.assertIn("entry 0 cannot be read", problems[0])

    def test_one_line(self) -> None:
        """A line of ours that is torn is named, and takes no other line along."""
        content = encode_manifest([entry(1), entry(2), entry(3)])
        found, problems = decode_manifest(content.replace(b'"recordingId":"rec_2"', b"#"))
        self.assertEqual([each.holding.recording_id for each in found], ["rec_1", "rec_3"])
        self.assertEqual(len(problems), 1)

    @given(st.binary(max_size=40), st.integers(0, 600))
    def test_any_damage(self, garbage: bytes, at: int) -> None:
        """Whatever stands there, reading ends with entries or the sentence, and nothing else."""
        whole = encode_manifest([entry(1), Entry(kept(2), {})])
        for content in (garbage, whole[:at], whole[:at] + garbage + whole[at + len(garbage) :]):
            try:
                decode_manifest(content)
            except BadManifest:
                continue

    def test_moment(self) -> None:
        """The age counts from the upload that is written down."""
        ((read,), _) = decode_manifest(encode_manifest([entry(1, uploaded=NOON + 0.5)]))
        assert read.holding.proof is not None
        self.assertEqual(read.holding.proof.uploaded, NOON + 0.5)
