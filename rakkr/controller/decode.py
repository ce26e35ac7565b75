"""
Reading the controller's JSON into messages.

Members that nobody knows are ignored, and ``null`` or blank text is the same as absent.  What is
left must have the right type: a wrong one makes the smallest whole thing unreadable (a job, an
interface, one setting), with a sentence that names the member, and never its neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from rakkr.controller.commands import CacheRetention
from rakkr.controller.errors import BadMessage
from rakkr.controller.messages import (
    AudioDefaults,
    ChannelMapAssignment,
    ClaimedGroup,
    Interface,
    Job,
    MonitorEnhancement,
    Node,
    NodeConfig,
    Receipt,
    UndecodableJob,
)
from rakkr.controller.structuring import camel, members_of, structure

T = TypeVar("T")


def decode_job(data: object) -> Job:
    """
    Read one job.

    :raises BadMessage: naming the member that is missing or wrong.
    """
    return structure(data, Job, "the job")


def decode_group(data: object) -> ClaimedGroup:
    """
    Read the jobs of a claim; one that cannot be read is named instead of spoiling the others.

    :raises BadMessage: when it is no list at all.
    """
    if not isinstance(data, list):
        raise BadMessage("the controller's claim cannot be read: it is no list of jobs")
    jobs: list[Job] = []
    undecodable: list[UndecodableJob] = []
    for each in data:
        try:
            jobs.append(decode_job(each))
        except BadMessage as error:
            undecodable.append(
                UndecodableJob(_salvage(each, "id"), _salvage(each, "recordingId"), str(error))
            )
    return ClaimedGroup(tuple(jobs), tuple(undecodable))


def decode_node(data: object) -> Node:
    """
    Read the node record of an answer; an interface that cannot be read is left out.

    :raises BadMessage: when the record itself cannot be read.
    """
    problems: list[str] = []
    members = members_of(data, "the node record")
    interfaces = _each(members.get("interfaces"), Interface, "interfaces", problems)
    node = structure({**members, "interfaces": None, "problems": None}, Node, "the node record")
    return attrs.evolve(node, interfaces=interfaces, problems=tuple(problems))


def decode_config(data: object) -> NodeConfig:
    """
    Read the node's live configuration; a setting that cannot be read counts as not set.

    :raises BadMessage: when it is no object at all.
    """
    problems: list[str] = []
    members = members_of(data, "the node configuration")

    def part(name: str, read: Callable[[Any], T], otherwise: T) -> T:
        if members.get(name) is None:
            return otherwise
        try:
            return read(members[name])
        except BadMessage as error:
            problems.append(str(error))
            return otherwise

    capacity = part("recordingCapacity", functools.partial(_capacity), None)
    unread: list[str] = []
    policies = _each(
        members.get("recorderCachePolicies"), CacheRetention, "recorderCachePolicies", unread
    )
    problems += unread
    return NodeConfig(
        audio_defaults=part(
            "audioDefaults", functools.partial(_defaults, problems=problems), AudioDefaults()
        ),
        recorder_cache_policies=policies,
        policies_complete=not unread,
        max_concurrent_recordings=capacity,
        monitor_enhancement=part(
            "monitorEnhancement",
            lambda value: structure(value, MonitorEnhancement, "monitorEnhancement"),
            MonitorEnhancement(),
        ),
        problems=tuple(problems),
    )


def decode_assignments(data: object) -> tuple[list[ChannelMapAssignment], list[str]]:
    """
    Read the channel maps given to this node.

    :returns: those that could be read, and a sentence for each that could not.
    :raises BadMessage: when it is no list at all.
    """
    if not isinstance(data, list):
        raise BadMessage("the controller's channel maps cannot be read: they are no list")
    problems: list[str] = []
    return list(_each(data, ChannelMapAssignment, "channel maps", problems)), problems


def decode_receipt(data: object) -> Receipt:
    """
    Read what the controller says it stored; beside size and checksum, strange things do not count.

    :raises BadMessage: when there is no size or no checksum in it.
    """
    members = members_of(data, "the receipt")
    file = members_of(members.get("file"), "the receipt's file")
    named = {name: file[name] for name in ("size", "checksum") if name in file}
    receipt = structure({**named, "raw": None}, Receipt, "the receipt")
    name, seconds = file.get("fileName"), file.get("durationSeconds")
    return attrs.evolve(
        receipt,
        file_name=name if isinstance(name, str) else None,
        duration_seconds=seconds if isinstance(seconds, int | float) else None,
        raw=dict(members),
    )


def _salvage(data: object, name: str) -> str | None:
    found = data.get(name) if isinstance(data, Mapping) else None
    return found if isinstance(found, str) and found.strip() else None


def _each(data: object, kind: type[T], what: str, problems: list[str]) -> tuple[T, ...]:
    """Read the items of a list that can be read, and note the others."""
    if data is None:
        return ()
    if not isinstance(data, list):
        problems.append(f"{what} cannot be read: it is no list")
        return ()
    found: list[T] = []
    for index, each in enumerate(data):
        try:
            found.append(structure(each, kind, f"{what}[{index}]"))
        except BadMessage as error:
            problems.append(str(error))
    return tuple(found)


def _capacity(data: object) -> int | None:
    limit = members_of(data, "recordingCapacity").get("maxConcurrentRecordings")
    if limit is None:
        return None
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise BadMessage(f"maxConcurrentRecordings cannot be read: {limit!r} is no positive number")
    return limit


def _defaults(data: object, *, problems: list[str]) -> AudioDefaults:
    """Read setting by setting, so that one wrong one does not undo what an operator set besides."""
    read = AudioDefaults()
    members = members_of(data, "audioDefaults")
    for field in attrs.fields(AudioDefaults):
        wire = camel(field.name)
        try:
            one = structure({wire: members.get(wire)}, AudioDefaults, "audioDefaults")
        except BadMessage as error:
            problems.append(str(error))
        else:
            read = attrs.evolve(read, **{field.name: getattr(one, field.name)})
    return read
