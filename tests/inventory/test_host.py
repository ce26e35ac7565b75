"""The facts of the machine have the names that a controller knows."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.host import (
    HostFacts,
    Machine,
    architecture,
    audio_backends,
    host_name,
    pretty_name,
    routable,
    uptime_seconds,
)
from rakkr.inventory.interface import FALLBACK, AudioInterface, Inventory


class Names(NamedTuple):
    """As ``os.uname`` answers."""

    sysname: str
    nodename: str
    release: str
    version: str
    machine: str


class Nic(NamedTuple):
    """As much of psutil's answer as is read."""

    family: int
    address: str


HOST = HostFacts(hostname="h", addresses=(), architecture="x86_64")
ALSA = AudioInterface(id="i", backend="alsa", system_name="n")


class FactTests(SynchronousTestCase):
    """Single facts."""

    def test_architectures(self) -> None:
        """An architecture has its compiler's name."""
        known = {
            "x86_64": "x86_64",
            "aarch64": "aarch64",
            "armv6l": "arm",
            "armv7l": "arm",
            "i686": "x86",
            "riscv64": "riscv64",
            "": "unknown",
        }
        self.assertEqual({name: architecture(name, 64) for name in known}, known)

    def test_smaller_system(self) -> None:
        """A 32-bit system on a 64-bit kernel is a 32-bit one."""
        self.assertEqual(architecture("aarch64", 32), "arm")
        self.assertEqual(architecture("x86_64", 32), "x86")
        self.assertEqual(architecture("armv7l", 32), "arm")

    def test_pretty_name(self) -> None:
        """The name of the system is read with and without quotes."""
        self.assertEqual(pretty_name('ID=debian\nPRETTY_NAME="Debian 12"\n'), "Debian 12")
        self.assertEqual(pretty_name("PRETTY_NAME='Void'"), "Void")
        self.assertEqual(pretty_name("PRETTY_NAME=Alpine"), "Alpine")
        self.assertIsNone(pretty_name('NAME="x"\nPRETTY_NAME=""'))

    def test_uptime(self) -> None:
        """The uptime is whole seconds, or unknown."""
        self.assertEqual(uptime_seconds("86400.97 123.4\n"), 86_400)
        for text in ("", "soon", "-1.0 2", "٣.0", "9" * 30):
            self.assertIsNone(uptime_seconds(text))

    def test_addresses(self) -> None:
        """Only addresses that others can reach are told, IPv4 first and each once."""
        texts = [
            "169.254.7.7",
            "169.255.0.1",
            "::1",
            "fe80::1%eth0",
            "fd00::21",
            "127.0.0.1",
            "10.0.0.21",
            "10.0.0.21",
            "junk",
        ]
        self.assertEqual(routable(texts), ("169.255.0.1", "10.0.0.21", "fd00::21"))

    @given(st.lists(st.ip_addresses().map(str), max_size=40))
    def test_sixteen_addresses(self, texts: list[str]) -> None:
        """There are never more than sixteen addresses."""
        self.assertLessEqual(len(routable(texts)), 16)

    def test_sixteen_and_seventeen(self) -> None:
        """Sixteen addresses are all told, and of seventeen the first sixteen."""
        texts = [f"10.0.0.{n}" for n in range(1, 18)]
        self.assertEqual(routable(texts[:16]), tuple(texts[:16]))
        self.assertEqual(routable(texts), tuple(texts[:16]))

    def test_backends(self) -> None:
        """Backends are those of inputs and servers that answer; unknown when there are none."""
        for found, answering, expected in (
            ((ALSA, ALSA), (), ["alsa"]),
            ((FALLBACK,), (), ["unknown"]),
            ((), (), ["unknown"]),
            ((ALSA,), ("pipewire", "jack"), ["alsa", "jack", "pipewire"]),
            ((FALLBACK,), ("pipewire", "jack"), ["jack", "pipewire"]),
        ):
            inventory = Inventory(found, probe_ok=True, answering=frozenset(answering))
            self.assertEqual(audio_backends(inventory), expected)

    def test_host_names(self) -> None:
        """A name that cannot be said is none."""
        for said, expected in (
            (" rec-01 ", "rec-01"),
            ("", "unknown-host"),
            ("rec\udcff", "unknown-host"),
            ("rec\0", "unknown-host"),
            ("rec\N{REPLACEMENT CHARACTER}", "unknown-host"),
            ("Küche", "Küche"),
        ):
            self.assertEqual(host_name(said), expected)


class MachineTests(SynchronousTestCase):
    """A whole machine."""

    def machine(self, **changes: object) -> Machine:
        """A machine whose files are in a directory of the test's."""
        self.root = Path(tempfile.mkdtemp())
        (self.root / "etc").mkdir(parents=True)
        (self.root / "proc").mkdir()
        parts: dict[str, object] = {
            "uname": lambda: Names("Linux", "rec-01", "6.1.0-25-amd64", "#1", "x86_64"),
            "addresses": lambda: {
                "eth0": [Nic(socket.AF_INET, "10.0.0.21"), Nic(socket.AF_PACKET, "00:11:22")],
                "eth1": [Nic(socket.AF_INET6, "fd00::21")],
            },
            "pointer_bits": 64,
            "root": self.root,
        }
        return Machine(**(parts | changes))  # type: ignore[arg-type]

    def test_everything(self) -> None:
        """Every fact comes from its place."""
        machine = self.machine()
        (self.root / "etc/os-release").write_text('PRETTY_NAME="Debian 12"\n')
        (self.root / "proc/uptime").write_text("12.5 3.0\n")
        expected = HostFacts(
            hostname="rec-01",
            addresses=("10.0.0.21", "fd00::21"),
            architecture="x86_64",
            kernel="6.1.0-25-amd64",
            os_name="Debian 12",
            uptime_seconds=12,
        )
        self.assertEqual(machine.read(), expected)

    def test_nothing(self) -> None:
        """What cannot be read is unknown."""
        machine = self.machine(
            uname=lambda: Names("Linux", "", "", "", "x86_64"), addresses=self.no_netlink
        )
        facts = machine.read()
        expected = HostFacts(
            hostname="unknown-host", addresses=(), architecture="x86_64", os_name="Linux"
        )
        self.assertEqual(facts, expected)

    @staticmethod
    def no_netlink() -> dict[str, list[Nic]]:
        """Fail as a sandbox without netlink does."""
        raise PermissionError

    def test_this_machine(self) -> None:
        """The machine that runs this test can be read with the real sources."""
        machine = Machine(
            uname=os.uname,
            addresses=psutil.net_if_addrs,
            pointer_bits=64,
            root=Path("/"),
        )
        facts = machine.read()
        self.assertEqual(facts.hostname, os.uname().nodename)
        self.assertEqual(facts.kernel, os.uname().release)
        self.assertGreaterEqual(facts.uptime_seconds or -1, 0)
