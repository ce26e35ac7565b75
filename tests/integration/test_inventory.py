"""The real ``arecord`` of this machine is asked on the real reactor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.asking import HardwareAsking
from rakkr.inventory.card_files import CardFiles
from rakkr.inventory.host import Machine
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.remembered import from_text
from tests.integration.alsa_device import NEEDS, AlsaDevice, whole_environment
from tests.integration.capture_world import after


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


async def test_hardware_parameters(tmp_path: Path, need: Callable[..., None]) -> None:
    """The real arecord tells what a device can do, and lets go of it at once."""
    for program, package in NEEDS:
        need(program, package)
    status = tmp_path / "asound" / "card21" / "pcm0c" / "sub0" / "status"
    status.parent.mkdir(parents=True)
    status.write_text("closed\n")
    with AlsaDevice(tmp_path, channels=2, rate=48000) as device:
        with (tmp_path / "alsa" / "alsa.conf").open("a") as config:
            config.write(
                "pcm.hw { @args [ CARD DEV ] @args.CARD { type string } @args.DEV { type integer }"
                f' type rakkr_numbered directory "{tmp_path}/alsa" channels 2 rate 48000 }}\n'
            )
        asking = HardwareAsking(
            spawner=reactor,
            clock=reactor,
            in_thread=deferToThread,
            env=whole_environment(device.env),
            command="arecord",
            files=CardFiles(tmp_path / "asound", tmp_path / "sound"),
            path=tmp_path / "known.json",
            busy=lambda: False,
        )
        card = CaptureDevice(21, 0, "Desk", "Desk")
        began = time.monotonic()
        asking.begin([(card, DeviceFacts())])
        while asking.active:
            await after(0.01)
        took = time.monotonic() - began
    (found,) = (await asking.known()).values()
    assert (found.channel_count, found.sample_rates) == (2, (48000,))
    assert "S24_3LE" in (found.formats or ())
    assert took < 0.9, "it recorded the whole second that arecord was told"
    assert from_text((tmp_path / "known.json").read_text()) == await asking.known()
