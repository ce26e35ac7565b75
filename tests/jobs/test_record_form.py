"""Tests for ``rakkr.jobs.record_form``."""

from __future__ import annotations

import json
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.messages import ChannelMap, ChannelMapEntry, ChannelMapTemplate
from rakkr.jobs.maps import AppliedMap
from rakkr.jobs.record_form import (
    NoRecord,
    decode_record,
    encode_record,
    from_plain,
    kind_of,
    to_plain,
)
from rakkr.jobs.records import Claimed, MarkTaken, Note, Planned, Record, Unknown
from rakkr.jobs.segment_records import SegmentSealed
from tests.jobs.guessing import anything
from tests.jobs.remembering import RUN, claimed, planned, sealed

KINDS = [kind for kind in get_args(Record) if kind is not Unknown]


class RoundTripTests(SynchronousTestCase):
    """What was written is read."""

    @given(st.one_of(*map(anything, KINDS)))
    def test_any_record(self, record: Record) -> None:
        """Any record of any kind comes back exactly, from one line of ASCII."""
        line = encode_record(record)
        self.assertNotIn(b"\n", line)
        self.assertEqual(line, line.decode("ascii").encode())
        self.assertEqual(decode_record(line), record)

    def test_run(self) -> None:
        """So do those of a whole job, and nothing of it is unknown."""
        for record in RUN:
            self.assertEqual(decode_record(encode_record(record)), record)
            self.assertNotIsInstance(decode_record(encode_record(record)), Unknown)

    @given(anything(Claimed))
    def test_claim(self, record: Claimed) -> None:
        """A job comes back with every member of its command, of the type that it had."""
        again = decode_record(encode_record(record))
        assert isinstance(again, Claimed)
        self.assertEqual(again.job, record.job)
        self.assertEqual(repr(again), repr(record))

    def test_maps(self) -> None:
        """A channel map stays what it was: one that came with a job, or an assigned template."""
        entry = ChannelMapEntry(source_channel_index=3)
        for mapping in (
            ChannelMap(channel_mode="mono", entries=(entry,), template_name="x"),
            ChannelMapTemplate(id="t", channel_mode="mono", entries=(entry,), tags=("a", "b")),
        ):
            applied = AppliedMap(mapping, 3, "a", "n", "node", "t", "x")
            again = decode_record(encode_record(planned(channel_map=applied)))
            assert isinstance(again, Planned)
            assert again.channel_map is not None
            self.assertIs(type(again.channel_map.mapping), type(mapping))
            self.assertEqual(again.channel_map, applied)

    def test_kinds(self) -> None:
        """A kind is its class's name in snake case, and stands first; all are different."""
        self.assertEqual(kind_of(SegmentSealed), "segment_sealed")
        self.assertEqual(kind_of(MarkTaken), "mark_taken")
        self.assertEqual(len({kind_of(kind) for kind in KINDS}), len(KINDS))
        self.assertTrue(encode_record(Note("x")).startswith(b'{"kind":"note"'))


class OthersTests(SynchronousTestCase):
    """Records of agents that are older or newer."""

    def test_unknown_kind(self) -> None:
        """A kind that nobody knows is kept as it is, and written again as it was."""
        line = b'{"kind":"teleported","to":["mars",1]}'
        record = decode_record(line)
        self.assertEqual(record, Unknown("teleported", {"to": ["mars", 1]}))
        self.assertEqual(encode_record(record), line)

    def test_unknown_members(self) -> None:
        """A member that nobody knows is ignored, at any depth."""
        plain = to_plain(claimed())
        plain["mood"] = "good"
        plain["job"]["command"]["mood"] = "better"
        self.assertEqual(from_plain(plain), claimed())

    def test_absent_members(self) -> None:
        """A member that an older agent did not write has its default."""
        plain = to_plain(sealed(1))
        del plain["drift_ppm"], plain["dropout_count"]
        self.assertEqual(from_plain(plain), sealed(1))

    def test_wrong_members(self) -> None:
        """A record whose members are not what they should be counts as unknown, never as wrong."""
        for kind, member, value in (
            (claimed(), "wall", "soon"),
            (claimed(), "job", "job_1"),
            (claimed(), "boot_id", None),
            (sealed(1), "frames", 1.5),
            (sealed(1), "frames", True),
            (sealed(1), "wav", 1),
            (sealed(1), "format", "S17_LE"),
            (sealed(1), "path", 3),
            (planned(), "channel_map", {"mapping": {"form": "song"}}),
        ):
            plain: dict[str, Any] = {**to_plain(kind), member: value}
            self.assertIsInstance(from_plain(plain), Unknown, (member, value))
        missing = to_plain(claimed())
        del missing["job"]["command"]["capture_device"]
        self.assertIsInstance(from_plain(missing), Unknown)

    def test_no_record(self) -> None:
        """What is no object with a kind is no record."""
        for line in (b"", b"{", b"[]", b'"x"', b"{}", b'{"kind":3}', b"\xff"):
            self.assertRaises(NoRecord, decode_record, line)

    @given(st.dictionaries(st.text(), anything(Any)), st.sampled_from(KINDS))
    def test_any_object(self, members: dict[str, Any], kind: type[Any]) -> None:
        """Whatever the members of a known kind are, reading it does not fail."""
        from_plain(json.loads(json.dumps({**members, "kind": kind_of(kind)})))
