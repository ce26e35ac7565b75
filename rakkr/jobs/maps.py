"""The channel map of a recording: pinned to the job, or assigned to where it records."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rakkr.controller.messages import ChannelMap, ChannelMapAssignment, Job
from rakkr.render.channels import ChannelMapLike, highest_source


@attrs.frozen
class AppliedMap:
    """
    The channel map of a recording, and where it came from.

    :ivar mapping: what ``rakkr.render`` reads.
    :ivar source_channels: how many channels must be captured for it.
    """

    mapping: ChannelMapLike
    source_channels: int
    assignment_id: str | None
    target_id: str | None
    target_type: str | None
    template_id: str | None
    template_name: str | None

    def details(self) -> dict[str, object]:
        """The ``channelMap`` member of the event catalogue."""
        return {
            "assignmentId": self.assignment_id,
            "captureChannels": self.source_channels,
            "channelMode": self.mapping.channel_mode,
            "entryCount": len(self.mapping.entries),
            "targetId": self.target_id,
            "targetType": self.target_type,
            "templateId": self.template_id,
            "templateName": self.template_name,
        }


def pinned_map(channel_map: ChannelMap) -> AppliedMap:
    """The map that came with the job."""
    return AppliedMap(
        channel_map,
        max(channel_map.source_channels or 0, highest_source(channel_map)),
        channel_map.assignment_id,
        channel_map.target_id,
        channel_map.target_type,
        channel_map.template_id,
        channel_map.template_name,
    )


def assigned_map(
    job: Job, node_id: str, assignments: Sequence[ChannelMapAssignment]
) -> AppliedMap | None:
    """
    The map that an operator assigned to the job's interface, else to the node (http-api 5.7).

    A template that includes no channel is no map.
    """
    interfaces = {job.command.capture_interface_id, job.command.capture_device} - {None}
    for target_type, targets in (("interface", interfaces), ("node", {node_id})):
        for each in assignments:
            fits = each.assignment.target_type == target_type
            named = {each.assignment.target_id, *each.devices} & targets
            if fits and named and highest_source(each.template):
                return AppliedMap(
                    each.template,
                    highest_source(each.template),
                    each.assignment.id,
                    each.assignment.target_id,
                    target_type,
                    each.template.id,
                    each.template.name,
                )
    return None


def map_of(
    job: Job, node_id: str, assignments: Sequence[ChannelMapAssignment]
) -> AppliedMap | None:
    """A pinned map wins over an assignment."""
    pinned = job.command.channel_map
    if pinned is not None:
        return pinned_map(pinned)
    return assigned_map(job, node_id, assignments)
