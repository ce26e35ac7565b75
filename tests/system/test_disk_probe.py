"""``df`` is asked with a time limit, and one that hangs is not asked twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.df import Filled
from rakkr.system.disk_probe import DiskProbe
from rakkr.system.file_system import FileSystem
from rakkr.system.question import NotKnown
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads

ANSWER = b"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 1000 900 100 90% /\n"
SEEN = FileSystem(
    place=Path("/mnt/my captures"),
    device=1,
    filled=Filled(2048, 1024, 50),
    read_only=False,
    inodes=0,
    free_inodes=0,
)


class DiskProbeTests(SynchronousTestCase):
    """A directory whose file system answered the system's own question."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.proc = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.probe = DiskProbe(
            Path("/mnt/my captures/today"),
            command="/opt/my df",
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=FakeThreads(),
            environ={"LC_ALL": "C"},
            proc=self.proc,
        )

    def tearDown(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def ask(self) -> Deferred[Filled]:
        """Ask."""
        return Deferred.fromCoroutine(self.probe.filled(SEEN))

    def why(self, asked: Deferred[Filled]) -> str:
        """Why it is not known."""
        return str(self.failureResultOf(asked, NotKnown).value)

    def test_answer(self) -> None:
        """It is asked as the contract has it, of the directory that is there."""
        asked = self.ask()
        self.assertEqual(self.reactor.last.argv, ["/opt/my df", "-Pk", "/mnt/my captures"])
        self.assertEqual(self.reactor.last.env, {"LC_ALL": "C"})
        self.reactor.last.says(ANSWER)
        self.reactor.last.ends()
        self.assertEqual(self.successResultOf(asked), Filled(1_024_000, 102_400, 90))

    def test_failure(self) -> None:
        """A df that fails is told with what it said, and not replaced by another figure."""
        asked = self.ask()
        self.reactor.last.says(b"df: no file systems processed\n", 2)
        self.reactor.last.ends(1)
        self.assertEqual(
            self.why(asked),
            "/opt/my df -Pk /mnt/my captures failed: exit code 1 (df: no file systems processed)",
        )

    def test_nonsense(self) -> None:
        """An answer without figures is told with what it was."""
        asked = self.ask()
        self.reactor.last.says(b"hello")
        self.reactor.last.ends()
        self.assertIn("its answer holds no figures: hello", self.why(asked))

    def test_no_df(self) -> None:
        """Where df cannot be started, the system's own figures count."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        for _ in range(2):
            self.assertEqual(self.successResultOf(self.ask()), SEEN.filled)

    def test_no_df_and_no_size(self) -> None:
        """A file system that tells no size is not full, with df or without."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        seen = attrs.evolve(SEEN, filled=Filled(0, 0, 100))
        asked = Deferred.fromCoroutine(self.probe.filled(seen))
        self.assertIn("/mnt/my captures has no size", self.why(asked))

    def test_limit(self) -> None:
        """It has ten seconds, and is ended then; one that ends in time is heard."""
        asked = self.ask()
        self.reactor.advance(9.9)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(0.1)
        self.assertEqual(self.reactor.last.signals, ["TERM"])
        self.reactor.advance(1)
        self.assertEqual(self.reactor.last.signals, ["TERM", "KILL"])
        self.reactor.last.ends(signal=9)
        self.assertIn("did not answer within 10 s", self.why(asked))

    def stat(self, state: str) -> None:
        """Let the system tell of the process in a state of this letter."""
        pid = self.reactor.spawned[0].pid
        (self.proc / str(pid)).mkdir(exist_ok=True)
        (self.proc / str(pid) / "stat").write_text(f"{pid} (df) {state} " + "1 " * 30)

    def test_cannot_be_killed(self) -> None:
        """While one that could not be killed is still there, no other is started."""
        asked = self.ask()
        self.stat("D")
        self.reactor.pump([1.0] * 12)
        self.assertIn("did not answer within 10 s", self.why(asked))
        for _ in range(3):
            self.assertIn("hangs and cannot be killed", self.why(self.ask()))
        self.assertEqual(len(self.reactor.spawned), 1)
        self.stat("Z")
        asked = self.ask()
        self.reactor.last.says(ANSWER)
        self.reactor.last.ends()
        self.successResultOf(asked)
        self.assertEqual(len(self.reactor.spawned), 2)

    def test_stopped(self) -> None:
        """A stop in the middle kills it, and waits for nothing."""
        asked = self.ask()
        asked.cancel()
        self.failureResultOf(asked)
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.reactor.last.ends(signal=9)
