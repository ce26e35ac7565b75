"""Channel map assignments as ``--print-channel-map-assignments`` shows them."""

from __future__ import annotations

from typing import Any

from rakkr.controller.messages import ChannelMapAssignment


def assignment_document(each: ChannelMapAssignment) -> dict[str, Any]:
    """One assignment with its template, in the contract's keys (cli-and-config 4.3)."""
    assignment, template = each.assignment, each.template
    return {
        "assignment": {
            "assignedAt": assignment.assigned_at,
            "id": assignment.id,
            "targetId": assignment.target_id,
            "targetType": assignment.target_type,
            "templateId": assignment.template_id,
        },
        "template": {
            "channelMode": template.channel_mode,
            "entries": [
                {
                    "included": entry.included,
                    "label": entry.label,
                    "outputChannelIndex": entry.output_channel_index,
                    "sourceChannelIndex": entry.source_channel_index,
                }
                for entry in template.entries
            ],
            "id": template.id,
            "name": template.name,
            "tags": list(template.tags),
        },
    }
