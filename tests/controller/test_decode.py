"""Reading what the controller says."""

from __future__ import annotations

import copy
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller import decode
from rakkr.controller.errors import BadMessage
from rakkr.controller.messages import CacheRetention, ChannelMapEntry, Loudnorm
from rakkr.controller.structuring import camel

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
COMMAND: dict[str, Any] = {
    "type": "alsa_capture",
    "captureDevice": "hw:CARD=XUSB,DEV=0",
    "captureBackend": "alsa",
    "captureFormat": "S32_LE",
    "captureSampleRate": 48000,
    "captureChannels": 4,
    "captureChannelSelection": [1, 4],
    "captureGroupId": "cap_1",
    "channelMap": {
        "assignmentId": "a",
        "channelMode": "stereo",
        "entries": [
            {"included": True, "label": "L", "outputChannelIndex": 1, "sourceChannelIndex": 1},
            {"included": False, "label": "", "sourceChannelIndex": 4},
        ],
        "sourceChannels": 4,
        "targetId": "n",
        "targetType": "node",
        "templateId": "t",
        "templateName": "Stage",
    },
    "durationSeconds": 3600,
    "outputCodec": "flac",
    "outputFileName": "rec_1.flac",
    "outputVbr": True,
    "enhancement": {
        "keepRaw": True,
        "denoise": {"enabled": True, "engine": "deepfilternet3"},
        "loudnorm": {"enabled": True, "targetI": -16, "truePeak": -1.5, "lra": 11},
    },
    "recorderCacheRetention": {"policyId": "p", "deleteAfterUpload": True, "maxBytes": None},
}
JOB: dict[str, Any] = {
    "id": "job_1",
    "nodeId": "node_1",
    "recordingId": "rec_1",
    "status": "running",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "leaseExpiresAt": "2026-01-01T00:00:30.000Z",
    "command": COMMAND,
}


def job(**changes: Any) -> dict[str, Any]:
    """A job whose command differs."""
    changed = copy.deepcopy(JOB)
    changed["command"].update(changes)
    return changed


class JobTests(SynchronousTestCase):
    """Jobs, alone and in groups."""

    def test_a_whole_job(self) -> None:
        """Every member of the contract is found under its name of ours."""
        got = decode.decode_job(JOB)
        self.assertEqual((got.id, got.node_id, got.recording_id), ("job_1", "node_1", "rec_1"))
        self.assertEqual(got.lease_expires_at, "2026-01-01T00:00:30.000Z")
        command = got.command
        self.assertEqual(command.capture_channel_selection, (1, 4))
        assert command.channel_map is not None
        self.assertEqual(
            command.channel_map.entries[1],
            ChannelMapEntry(source_channel_index=4, included=False, label=""),
        )
        assert command.enhancement is not None
        self.assertEqual(
            command.enhancement.loudnorm,
            Loudnorm(enabled=True, target_i=-16.0, true_peak=-1.5, lra=11.0),
        )
        self.assertEqual(
            command.recorder_cache_retention,
            CacheRetention(policy_id="p", delete_after_upload=True),
        )

    def test_absent_null_and_blank_are_one(self) -> None:
        """An optional member that is null or blank counts as absent; unknown ones are ignored."""
        optional = [
            field.name
            for field in attrs.fields(type(decode.decode_job(JOB).command))
            if field.default is not attrs.NOTHING
        ]
        self.assertIn("capture_backend", optional)
        bare = {k: v for k, v in COMMAND.items() if k in _REQUIRED}
        absent = decode.decode_job({**JOB, "command": bare})
        for name in optional:
            wire = camel(name)
            for nothing in (None, "", " \t"):
                read = decode.decode_job({**JOB, "command": {**bare, wire: nothing, "new": [1]}})
                self.assertEqual(read, absent, wire)

    def test_one_bad_job_spoils_no_other(self) -> None:
        """Every kind of wrong member fails its own job, with its ids and the member's name."""
        for change, words in (
            (
                {"captureBackend": "oss"},
                "command.captureBackend must be one of alsa, jack, pipewire",
            ),
            ({"captureChannels": 0}, "command.captureChannels must be >= 1"),
            ({"captureSampleRate": "48000"}, "command.captureSampleRate must be a number"),
            ({"captureSampleRate": 0.5}, "command.captureSampleRate must be a whole number"),
            ({"durationSeconds": None}, "command.durationSeconds is missing"),
            ({"captureDevice": ""}, "command.captureDevice is missing"),
            ({"captureChannelSelection": [1, 0]}, "captureChannelSelection must be >= 1"),
            ({"captureChannelSelection": {}}, "captureChannelSelection must be a list"),
            ({"channelMap": 3}, "command.channelMap must be an object"),
            (
                {"channelMap": {"channelMode": "s", "entries": [{}]}},
                "entries[0].sourceChannelIndex",
            ),
            ({"type": "other"}, "command.type must be one of alsa_capture"),
            ({"outputCodec": "ogg"}, "command.outputCodec must be one of"),
            ({"outputVbr": 1}, "command.outputVbr must be true or false"),
            ({"chunkSeconds": True}, "command.chunkSeconds must be a number"),
            ({"outputFileName": 5}, "command.outputFileName must be text"),
        ):
            got = decode.decode_group([JOB, job(**change), JOB])
            self.assertEqual([each.id for each in got.jobs], ["job_1", "job_1"])
            (bad,) = got.undecodable
            self.assertEqual((bad.id, bad.recording_id), ("job_1", "rec_1"))
            self.assertIn(words, bad.reason)

    def test_limits_are_inside(self) -> None:
        """The smallest numbers that are allowed are read, a whole float as the number it is."""
        got = decode.decode_job(job(captureChannels=1, durationSeconds=1, captureSampleRate=8000.0))
        self.assertEqual(repr(got.command.capture_sample_rate), "8000")

    @given(JSON)
    def test_anything_can_arrive(self, data: object) -> None:
        """Whatever JSON arrives, it is read or refused with a sentence, never anything else."""
        reads: tuple[Any, ...] = (
            decode.decode_job,
            decode.decode_group,
            decode.decode_node,
            decode.decode_config,
            decode.decode_assignments,
            decode.decode_receipt,
        )
        for read in reads:
            try:
                read(data)
            except BadMessage as error:
                self.assertIn("cannot be read", str(error))

    @given(st.sampled_from(sorted(COMMAND)), JSON)
    def test_any_member_can_be_anything(self, name: str, value: object) -> None:
        """Whatever one member of one job holds, the other job of the group is there."""
        got = decode.decode_group([job(**{name: value}), JOB])
        self.assertEqual(got.jobs[-1], decode.decode_job(JOB))
        self.assertEqual(len(got.jobs) + len(got.undecodable), 2)
        self.assertLess(max([len(each.reason) for each in got.undecodable], default=0), 700)

    def test_nothing_to_salvage(self) -> None:
        """A job without readable ids is undecodable without them."""
        got = decode.decode_group([5, {"id": 3, "recordingId": " "}])
        self.assertEqual(
            [(each.id, each.recording_id) for each in got.undecodable], [(None, None)] * 2
        )


class NodeTests(SynchronousTestCase):
    """The node's own record and configuration."""

    def test_a_bad_interface_is_left_out(self) -> None:
        """An interface that cannot be read is named, and the others are there."""
        good = {
            "id": "u1",
            "backend": "alsa",
            "channelCount": 32,
            "systemName": "X",
            "absent": True,
        }
        got = decode.decode_node(
            {"id": "n", "status": "online", "interfaces": [good, {"id": 1}], "tags": []}
        )
        self.assertEqual(
            [(each.id, each.channel_count, each.absent) for each in got.interfaces],
            [("u1", 32, True)],
        )
        self.assertIn("interfaces[1]", got.problems[0])

    def test_a_bad_setting_is_left_out(self) -> None:
        """One setting that cannot be read counts as not set, is named, and takes nothing along."""
        got = decode.decode_config(
            {
                "audioDefaults": {
                    "captureBackend": "oss",
                    "captureDevice": "hw:1",
                    "captureChannels": 0,
                },
                "monitorEnhancement": {"engine": "deepfilternet3", "requested": True},
                "recorderCachePolicies": [{}, {"policyId": "p", "maxAgeDays": 7, "maxBytes": None}],
                "recordingCapacity": {"maxConcurrentRecordings": 2},
            }
        )
        self.assertEqual(got.audio_defaults.capture_device, "hw:1")
        self.assertIsNone(got.audio_defaults.capture_backend)
        self.assertEqual(
            got.recorder_cache_policies, (CacheRetention(policy_id="p", max_age_days=7),)
        )
        self.assertFalse(got.policies_complete)
        self.assertEqual(got.max_concurrent_recordings, 2)
        self.assertTrue(got.monitor_enhancement.requested)
        self.assertEqual(len(got.problems), 3)
        self.assertTrue(any("captureBackend must be one of" in each for each in got.problems))

    def test_an_empty_config(self) -> None:
        """A controller that configures nothing leaves everything to the agent."""
        got = decode.decode_config({"recordingCapacity": {"maxConcurrentRecordings": 0}})
        self.assertIsNone(got.max_concurrent_recordings)
        self.assertEqual(len(got.problems), 1)
        self.assertEqual(decode.decode_config({}).problems, ())

    def test_assignments(self) -> None:
        """A channel map that cannot be read is named, and the others are there."""
        good = {
            "assignment": {"id": "a", "targetId": "n", "targetType": "node", "history": []},
            "template": {"id": "t", "channelMode": "mono", "entries": [{"sourceChannelIndex": 2}]},
        }
        got, problems = decode.decode_assignments([{"assignment": {}}, good])
        self.assertEqual([each.template.entries[0].source_channel_index for each in got], [2])
        self.assertEqual(len(problems), 1)

    def test_receipt(self) -> None:
        """A receipt needs a size and a checksum; the rest is kept as it came."""
        data = {"file": {"checksum": "sha256:aa", "size": 4, "fileName": "x"}, "recording": {}}
        got = decode.decode_receipt(data)
        self.assertEqual((got.size, got.checksum, got.file_name), (4, "sha256:aa", "x"))
        self.assertEqual(got.raw, data)
        strange = {"file": {**data["file"], "fileName": 7, "durationSeconds": "long"}}
        self.assertEqual(decode.decode_receipt(strange).checksum, "sha256:aa")
        for bad in ({"file": {"size": 4}}, {"file": {"checksum": "x", "size": -1}}, {}, None):
            self.assertRaises(BadMessage, decode.decode_receipt, bad)


_REQUIRED = {
    "type",
    "captureDevice",
    "captureFormat",
    "captureSampleRate",
    "captureChannels",
    "durationSeconds",
    "outputFileName",
}
