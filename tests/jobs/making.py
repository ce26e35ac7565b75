"""Jobs as a controller would send them, with what a test cares about."""

from __future__ import annotations

from typing import Any

import attrs

from rakkr.controller.messages import Command, Job


def make_job(number: int = 1, *, status: str = "running", **command: Any) -> Job:
    """Job ``job_<number>`` of recording ``rec_<number>``: ten seconds of stereo FLAC."""
    wanted: dict[str, Any] = {
        "type": "alsa_capture",
        "capture_device": "hw:0,0",
        "capture_format": "S16_LE",
        "capture_sample_rate": 48_000,
        "capture_channels": 2,
        "duration_seconds": 10,
        "output_file_name": f"rec_{number}.flac",
        "output_codec": "flac",
        **command,
    }
    return Job(
        id=f"job_{number}",
        node_id="node_1",
        recording_id=f"rec_{number}",
        status=status,
        command=Command(**wanted),
    )


def told(job: Job, status: str, **facts: Any) -> Job:
    """The same job after the controller changed its mind."""
    return attrs.evolve(job, status=status, **facts)
