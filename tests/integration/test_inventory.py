"""The real ``arecord`` of this machine is asked on the real reactor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
from twisted.internet import reactor

from rakkr.inventory.host import Machine
from rakkr.inventory.probe import InventoryProbe


def probe_of(command: str) -> InventoryProbe:
    """A probe of this machine as the agent makes it."""
    return InventoryProbe(
        spawner=reactor,
        clock=reactor,
        threads=reactor,  # type: ignore[arg-type]
        pool=reactor.getThreadPool(),  # type: ignore[attr-defined]
        environ=dict(os.environ),
        machine=Machine(
            uname=os.uname,
            addresses=psutil.net_if_addrs,
            pointer_bits=64,
            root=Path("/"),
        ),
        arecord_command=command,
        pcm_list=Path("/proc/asound/pcm"),
        sound=Path("/sys/class/sound"),
    )


async def test_real_arecord(need: Callable[..., None]) -> None:
    """The system can be asked, whatever cards it has, and each input has a reference of its own."""
    need("arecord", "alsa-utils")
    inventory = await probe_of("arecord").probe()
    assert inventory.probe_ok, inventory.reason
    references = [interface.system_ref for interface in inventory.interfaces]
    assert len(set(references)) == len(references)
    assert all(reference and reference.startswith("hw:") for reference in references)


async def test_real_host() -> None:
    """This machine's facts are read in a thread."""
    facts = await probe_of("arecord").host()
    assert facts.hostname == os.uname().nodename
    assert facts.architecture
    assert (facts.uptime_seconds or 0) > 0


async def test_missing_arecord() -> None:
    """A program that is not installed is named in the reason, and nothing is raised."""
    inventory = await probe_of("no-such-arecord").probe()
    assert inventory.reason is not None
    assert "no-such-arecord cannot be started" in inventory.reason
