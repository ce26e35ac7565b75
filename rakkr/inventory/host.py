"""What machine this is: the facts of a node beside its audio inputs."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from rakkr.inventory.card_files import read_text
from rakkr.inventory.interface import Inventory
from rakkr.inventory.naming import UNKNOWN, printable

MOST_ADDRESSES: Final = 16

# What compilers call the machines that the kernel names otherwise.
_ARCHITECTURES: Final = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "ppc64le": "powerpc64",
    "ppc64": "powerpc64",
    "ppc": "powerpc",
    **{f"i{generation}86": "x86" for generation in range(3, 7)},
}
_HALVES: Final = {"x86_64": "x86", "aarch64": "arm", "powerpc64": "powerpc"}


@attrs.frozen(kw_only=True)
class HostFacts:
    """
    One reading of the machine.

    :ivar addresses: at most 16, IPv4 first, without loopback and link-local ones.
    :ivar architecture: by its compiler's name: ``x86_64``, ``aarch64``, ``arm``, ``x86``.
    """

    hostname: str
    addresses: tuple[str, ...]
    architecture: str
    kernel: str | None = None
    os_name: str | None = None
    uptime_seconds: int | None = None


@attrs.frozen(kw_only=True)
class Machine:
    """
    Where the facts come from.

    :ivar uname: like ``os.uname``.
    :ivar addresses: like ``psutil.net_if_addrs``.
    :ivar pointer_bits: 32 or 64, of this process; a 32-bit system may run on a 64-bit kernel.
    :ivar root: of the file system.
    """

    uname: Callable[[], Any]
    addresses: Callable[[], Mapping[str, Sequence[Any]]]
    pointer_bits: int
    root: Path

    def read(self) -> HostFacts:
        """Read everything anew.  This blocks: call it in a thread."""
        names = self.uname()
        release = read_text(self.root / "etc/os-release") or ""
        return HostFacts(
            hostname=host_name(names.nodename),
            addresses=routable(a.address for nic in self._addresses() for a in nic),
            architecture=architecture(names.machine, self.pointer_bits),
            kernel=names.release.strip() or None,
            os_name=pretty_name(release) or names.sysname.strip() or None,
            uptime_seconds=uptime_seconds(read_text(self.root / "proc/uptime") or ""),
        )

    def _addresses(self) -> Iterable[Sequence[Any]]:
        internet = (socket.AF_INET, socket.AF_INET6)
        try:
            nics = self.addresses().values()
        except OSError:  # a sandbox without netlink has no addresses to tell
            return ()
        return [[a for a in nic if a.family in internet] for nic in nics]


def audio_backends(inventory: Inventory) -> list[str]:
    """
    The audio systems of the node, sorted; ``unknown`` only when there is no other.

    Those that have an input, and the sound servers that answer without one.
    """
    backends = {interface.backend for interface in inventory.interfaces} | inventory.answering
    return sorted(backends - {"unknown"}) or ["unknown"]


def host_name(nodename: str) -> str:
    """The name of the host as it can be said, from what ``uname -n`` says."""
    name = nodename.strip()
    return name if name and printable(name) == name and UNKNOWN not in name else "unknown-host"


def architecture(machine: str, pointer_bits: int) -> str:
    """
    The compiler's name of an architecture.

    :param machine: as ``uname -m`` says it.
    """
    name = _ARCHITECTURES.get(machine, machine) or "unknown"
    if name.startswith("arm") and name != "arm":
        name = "arm"
    return _HALVES.get(name, name) if pointer_bits == 32 else name  # noqa: PLR2004


def pretty_name(os_release: str) -> str | None:
    """The name of the system for people, from the text of ``/etc/os-release``."""
    for line in os_release.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "PRETTY_NAME":
            return value.strip().strip("\"'").strip() or None
    return None


def uptime_seconds(proc_uptime: str) -> int | None:
    """Whole seconds since the machine started, from the text of ``/proc/uptime``."""
    whole = proc_uptime.split(".", 1)[0].strip()
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 20 else None  # noqa: PLR2004


def routable(texts: Iterable[str]) -> tuple[str, ...]:
    """Those addresses at which others may reach the node: 16 at most, IPv4 first, each once."""
    addresses: dict[str, int] = {}
    for text in texts:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if not (address.is_loopback or address.is_unspecified or address.is_link_local):
            addresses.setdefault(str(address), address.version)
    return tuple(sorted(addresses, key=addresses.__getitem__)[:MOST_ADDRESSES])
