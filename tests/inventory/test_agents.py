"""Another agent is seen, and a question like ours is no agent."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.agents import another_agent

OWN = 77


class AnotherAgentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.proc = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.proc / "self").mkdir()
        self.process(1, "/sbin/init")
        self.process(OWN, "python3", "/usr/bin/rakkr-recorder-agent")

    def process(self, pid: int, *words: str) -> None:
        """Have a process run."""
        place = self.proc / str(pid)
        place.mkdir(exist_ok=True)
        (place / "cmdline").write_bytes("".join(f"{word}\0" for word in words).encode())

    def test_alone(self) -> None:
        """This process, and others that only have to do with an agent, are none."""
        self.process(5, "vi", "/etc/rakkr-recorder/agent.env")
        self.process(6, "journalctl", "-u", "rakkr-recorder.service")
        self.process(7)
        (self.proc / "8").mkdir()  # it ended meanwhile
        self.assertFalse(another_agent(self.proc, OWN))

    def test_agents(self) -> None:
        """However it was started, an agent is one."""
        for words in (
            ("/usr/bin/python3", "/opt/bin/twistd", "-n", "--pidfile=", "rakkr-recorder"),
            ("/opt/bin/python", "/opt/bin/rakkr-recorder-agent", "--solo"),
            ("python", "-m", "twisted", "rakkr-recorder"),
        ):
            self.process(5, *words)
            self.assertTrue(another_agent(self.proc, OWN), words)

    def test_questions(self) -> None:
        """Somebody who asks the same, and whoever called us for it, is no agent."""
        self.process(5, "sudo", "rakkr-recorder-agent", "--print-inventory", "--table")
        self.assertFalse(another_agent(self.proc, OWN))

    def test_hidden(self) -> None:
        """Where the processes of others cannot be seen there may be one."""
        (self.proc / "1" / "cmdline").unlink()
        (self.proc / "1").rmdir()
        self.assertTrue(another_agent(self.proc, OWN))
        self.assertTrue(another_agent(self.proc / "nowhere", OWN))
