"""Tests for ``rakkr.jobs.plan``."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.commands import ChannelMap, ChannelMapEntry
from rakkr.controller.messages import (
    Assignment,
    ChannelMapAssignment,
    ChannelMapTemplate,
    Job,
)
from rakkr.jobs.maps import map_of
from rakkr.jobs.plan import MemberPlan, SessionPlan, plan_session
from rakkr.settings import Settings
from tests.jobs.making import make_job

SETTINGS = Settings()


def entries(*sources: int) -> tuple[ChannelMapEntry, ...]:
    """Included entries, one for each source."""
    return tuple(
        ChannelMapEntry(
            source_channel_index=source, included=True, label="x", output_channel_index=number
        )
        for number, source in enumerate(sources, 1)
    )


def assigned(target_type: str, target_id: str, *sources: int) -> ChannelMapAssignment:
    """A stereo map that an operator assigned."""
    return ChannelMapAssignment(
        assignment=Assignment(id=f"a_{target_id}", target_id=target_id, target_type=target_type),
        template=ChannelMapTemplate(id="t", channel_mode="stereo", entries=entries(*sources)),
    )


def session(*jobs: Job, settings: Settings = SETTINGS, **more: Any) -> SessionPlan:
    """The plan of jobs that can all be done."""
    planned = plan_session(jobs, settings, "node_1", **more)
    assert planned.refused == ()
    assert planned.session is not None
    return planned.session


def member(job: Job, **more: Any) -> MemberPlan:
    """The plan of a lone job."""
    return session(job, **more).members[0]


class PlanTests(SynchronousTestCase):
    """What is decided before a device is opened."""

    def refusal(self, job: Job) -> str:
        """Why a lone job is refused."""
        planned = plan_session([job], SETTINGS, "node_1")
        self.assertIsNone(planned.session)
        ((refused, why),) = planned.refused
        self.assertIs(refused, job)
        return why

    def test_job_beats_settings(self) -> None:
        """Device, format, rate and length are the job's; command and template are the node's."""
        job = make_job(capture_device="hw:1", capture_format="s32_le", capture_sample_rate=96_000)
        settings = attrs.evolve(SETTINGS, capture_command="rec", capture_args_template="{output}")
        plan = session(job, settings=settings)
        self.assertEqual((plan.device, plan.format.name, plan.rate), ("hw:1", "S32_LE", 96_000))
        self.assertEqual((plan.command, plan.args_template), ("rec", "{output}"))
        self.assertEqual((plan.seconds, plan.stem, plan.channels), (10, "rec_1", 2))

    def test_backend(self) -> None:
        """The job's backend wins, else the node's."""
        settings = attrs.evolve(SETTINGS, capture_backend="jack")
        self.assertEqual(session(make_job(), settings=settings).backend, "jack")
        job = make_job(capture_backend="pipewire")
        self.assertEqual(session(job, settings=settings).backend, "pipewire")

    def test_width(self) -> None:
        """A capture is as wide as its map, its selection or its channels need."""
        pinned = ChannelMap(channel_mode="stereo", entries=entries(7, 3), source_channels=8)
        self.assertEqual(session(make_job(channel_map=pinned)).channels, 8)
        self.assertEqual(session(make_job(capture_channel_selection=(5, 6))).channels, 6)
        self.assertEqual(session(make_job(capture_channels=4)).channels, 4)
        self.assertEqual(
            session(make_job(1), make_job(2, capture_channel_selection=(9,))).channels, 9
        )

    def test_member_of_a_wide_group(self) -> None:
        """A member without a map gets its own channels of a wider capture, not all of them."""
        plan = session(make_job(1), make_job(2, capture_channel_selection=(7, 8)))
        self.assertEqual([m.render.channels for m in plan.members], [2, 2])
        self.assertEqual(plan.members[1].render.routing.outputs, ((6,), (7,)))

    def test_map_precedence(self) -> None:
        """The job's own map, then the interface's, then the node's."""
        job = make_job(capture_interface_id="uuid-1")
        every = [
            assigned("node", "node_1", 1, 2),
            assigned("interface", "uuid-1", 3, 4),
            assigned("interface", "another", 5, 6),
        ]
        found = map_of(job, "node_1", every)
        assert found is not None
        self.assertEqual((found.target_type, found.source_channels), ("interface", 4))
        found = map_of(job, "node_1", every[:1])
        assert found is not None
        self.assertEqual(found.target_type, "node")
        self.assertIsNone(map_of(job, "node_2", every[:1]))
        pinned = ChannelMap(channel_mode="mono", entries=entries(2), assignment_id="own")
        found = map_of(make_job(channel_map=pinned), "node_1", every)
        assert found is not None
        self.assertEqual(found.assignment_id, "own")

    def test_map_by_device(self) -> None:
        """An assignment to the device's name fits too, and an empty one fits nothing."""
        every = [assigned("interface", "hw:0,0"), assigned("interface", "hw:0,0", 1, 2)]
        found = map_of(make_job(), "node_1", every)
        assert found is not None
        self.assertEqual(found.source_channels, 2)

    def test_map_by_what_the_device_is(self) -> None:
        """An assignment fits whose target is known to be the device, and keeps its own id."""
        other = assigned("interface", "uuid-1", 1, 2)
        self.assertIsNone(map_of(make_job(), "node_1", [other]))
        found = map_of(make_job(), "node_1", [attrs.evolve(other, devices=("hw:0,0",))])
        assert found is not None
        self.assertEqual((found.target_id, found.source_channels), ("uuid-1", 2))

    def test_details(self) -> None:
        """A map is described in the contract's words."""
        applied = member(make_job(), assignments=[assigned("node", "node_1", 2, 1)]).channel_map
        assert applied is not None
        self.assertEqual(
            applied.details(),
            {
                "assignmentId": "a_node_1",
                "captureChannels": 2,
                "channelMode": "stereo",
                "entryCount": 2,
                "targetId": "node_1",
                "targetType": "node",
                "templateId": "t",
                "templateName": "",
            },
        )

    def test_limits(self) -> None:
        """What no device can do is refused, what the widest can do is not."""
        wav: dict[str, Any] = {"output_codec": "wav", "output_file_name": "a.wav"}
        self.assertEqual(session(make_job(capture_channels=256, **wav)).channels, 256)
        self.assertIn("257", self.refusal(make_job(capture_channels=257, **wav)))
        self.assertEqual(session(make_job(capture_sample_rate=768_000, **wav)).rate, 768_000)
        self.assertIn("768001", self.refusal(make_job(capture_sample_rate=768_001, **wav)))

    def test_impossible(self) -> None:
        """What cannot be delivered is refused with the reason, before it is recorded."""
        self.assertIn("8", self.refusal(make_job(capture_channels=9)))
        mp3: dict[str, Any] = {"output_codec": "mp3", "output_file_name": "a.mp3"}
        self.assertIn("mp3", self.refusal(make_job(capture_channels=3, **mp3)).lower())
        self.assertIn("S17_LE", self.refusal(make_job(capture_format="S17_LE")))
        self.assertIn("a_new_type", self.refusal(make_job(type="a_new_type")))

    def test_no_neighbour_is_harmed(self) -> None:
        """A job that is refused takes none of its group along, wherever it stands in it."""
        bad = make_job(1, capture_channels=9)
        planned = plan_session([bad, make_job(2), make_job(3)], SETTINGS, "node_1")
        assert planned.session is not None
        self.assertEqual([m.job.id for m in planned.session.members], ["job_2", "job_3"])
        self.assertEqual([job.id for job, _ in planned.refused], ["job_1"])
        self.assertEqual(planned.session.stem, "rec_2")

    def test_width_of_the_group(self) -> None:
        """A job that would be possible alone, but not in so wide a capture, is refused alone."""
        wide = make_job(1, capture_channels=128, output_codec="wav", output_file_name="a.wav")
        narrow = make_job(2)
        planned = plan_session([wide, narrow], SETTINGS, "node_1")
        assert planned.session is not None
        self.assertEqual([m.job.id for m in planned.session.members], ["job_1"])
        self.assertEqual([job.id for job, _ in planned.refused], ["job_2"])

    def test_nothing(self) -> None:
        """No jobs make no session."""
        self.assertIsNone(plan_session([], SETTINGS, "node_1").session)

    @given(
        st.lists(
            st.tuples(st.integers(1, 16), st.integers(1, 100), st.lists(st.integers(1, 16))),
            min_size=1,
            max_size=4,
        )
    )
    def test_every_member_fits(self, wishes: list[tuple[int, int, list[int]]]) -> None:
        """Whatever a group wishes, its capture is wide and long enough for every member."""
        jobs = [
            make_job(
                number,
                capture_channels=channels,
                duration_seconds=seconds,
                capture_channel_selection=tuple(dict.fromkeys(selection)) or None,
                output_codec="wav",
                output_file_name=f"{number}.wav",
            )
            for number, (channels, seconds, selection) in enumerate(wishes)
        ]
        plan = session(*jobs)
        self.assertEqual(len(plan.members), len(jobs))
        for each in plan.members:
            self.assertLessEqual(each.seconds, plan.seconds)
            self.assertLessEqual(each.render.routing.highest, plan.channels)
