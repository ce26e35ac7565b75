"""The recorder's cache: files that the controller has, and that are still here."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, TEXT, WHOLE, Each, OneOf, OrNull, details
from rakkr.health.rows.shapes import INFO, SWEPT, WARNING, job_event, node_event

TITLE: Final = "The recorder's cache"

_POLICY: Final = details(policyId=TEXT)
_AFTER_RESTART: Final = details(recoveredAfterRestart=OneOf((True,)))
_ANY_JOB: Final = details(jobId=OrNull(TEXT))  # another agent's manifest names none
_LIMITS: Final = details(maxAgeDays=OrNull(NUMBER), maxBytes=OrNull(WHOLE))

ROWS: Final = (
    job_event(
        "recorder_cache_deleted",
        INFO,
        {**_POLICY, **details(deletedPaths=Each(TEXT))},
        _AFTER_RESTART,
        means="Files were deleted after their upload, as the policy of the recording says.",
    ),
    job_event(
        "recorder_cache_delete_failed",
        WARNING,
        {**_POLICY, **details(deletedPaths=Each(TEXT), errors=Each(TEXT))},
        _AFTER_RESTART,
        means="Files that the controller has could not be deleted. This is told once.",
        clears="With the recorder_cache_deleted of the same recording; it is tried again.",
        do="See to the permissions of the files that are named.",
    ),
    job_event(
        "recorder_cache_tracked",
        INFO,
        {**_POLICY, **_LIMITS, **_ANY_JOB},
        _AFTER_RESTART,
        means="Files stay here after their upload, until the policy lets them go.",
    ),
    job_event(
        "recorder_cache_track_failed",
        WARNING,
        {**_POLICY, **details(error=TEXT), **_ANY_JOB},
        _AFTER_RESTART,
        means=(
            "It could not be written down that files stay here after their upload, so no policy"
            " deletes them."
        ),
        clears="It does not; the files are found again when the manifest is rebuilt.",
        do="See to the disk and the permissions of --recorder-cache-manifest-file.",
    ),
    node_event(
        "recorder_cache.sweep_completed",
        ("info", "warning"),
        SWEPT,
        means=(
            "The cache was swept, and something was deleted, as the policies say. A warning:"
            " something could not be deleted."
        ),
        clears="It does not: each sweep tells of itself.",
        do="For a warning, see to the permissions of the files that are named.",
    ),
    node_event(
        "recorder_cache.manifest_damaged",
        WARNING,
        details(entries=WHOLE, error=TEXT, path=OrNull(TEXT), strayFiles=WHOLE),
        means=(
            "The list of the files in the cache cannot be read. It is set aside and made anew from"
            " the journals and the directory: entries are in it now, and strayFiles belong to no"
            " journal, and stay. Nothing is deleted that has no receipt."
        ),
        clears="It does not: it tells of one file, once.",
        do="Nothing; if it comes again, see to the disk.",
    ),
    node_event(
        "recorder_cache.sweep_suspended",
        WARNING,
        details(reason=TEXT),
        recovery="recorder_cache.sweep_resumed",
        means=(
            "Nothing is deleted by age, because this node's clock is not to be trusted: files would"
            " seem too old."
        ),
        clears="When the clock is sane again.",
        do="Set up time synchronisation (systemd-timesyncd or chrony).",
    ),
    node_event(
        "recorder_cache.sweep_resumed",
        INFO,
        details(reason=TEXT),
        means="The clock is sane again, and the cache is swept as the policies say.",
    ),
)
