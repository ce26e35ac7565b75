"""Children and their ladder."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.process import Child, Exit, Ladder, Ran, run, spawn
from tests.fakes.processes import FakeReactor

_LADDER = Ladder("INT", grace=3.0, give_up=2.0, drain=1.0, limit=60.0)


class ChildTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a reactor, and what a child said."""
        self.reactor = FakeReactor()
        self.heard: list[tuple[int, bytes]] = []

    def start(self) -> Child:
        """Start a child that is listened to."""
        return spawn(
            self.reactor,
            self.reactor,
            ["prog", "a b"],
            env={"A": "1"},
            ladder=_LADDER,
            output=lambda fd, data: self.heard.append((fd, data)),
        )

    def ended(self, child: Child) -> Exit:
        """See that the child is gone and that no timer is left."""
        how = self.successResultOf(child.when_ended())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertIsNone(child.pid)
        return how

    def test_arguments_and_environment(self) -> None:
        """A child gets exactly the arguments and the environment that it was given."""
        self.start()
        self.assertEqual(self.reactor.last.argv, ["prog", "a b"])
        self.assertEqual(self.reactor.last.env, {"A": "1"})

    def test_output_after_the_exit_counts(self) -> None:
        """A child has not ended before its pipes are closed; until then it is heard."""
        child = self.start()
        self.reactor.last.says(b"one")
        self.reactor.last.exits(3)
        self.reactor.last.says(b"two", 2)
        self.assertNoResult(child.when_ended())
        self.reactor.last.closes()
        self.assertEqual(self.ended(child), Exit(3))
        self.assertEqual(self.heard, [(1, b"one"), (2, b"two")])

    def test_a_grandchild_that_holds_the_pipes(self) -> None:
        """Pipes that stay open are closed by us after the drain time, and not before."""
        child = self.start()
        self.reactor.last.exits(0)
        self.reactor.advance(0.99)
        self.assertNoResult(child.when_ended())
        self.reactor.advance(0.01)
        self.assertEqual(self.ended(child), Exit(0))

    def test_stop_asks_then_kills_then_gives_up(self) -> None:
        """A stop climbs the ladder: the first signal, KILL after the grace, abandoned at last."""
        child = self.start()
        child.stop()
        child.stop()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.advance(2.99)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.advance(0.01)
        self.assertEqual(self.reactor.last.signals, ["INT", "KILL"])
        self.reactor.advance(1.99)
        self.assertNoResult(child.when_ended())
        self.reactor.advance(0.01)
        self.assertTrue(self.ended(child).abandoned)
        self.reactor.last.ends(None, 9)
        self.assertTrue(child.exit is not None and child.exit.abandoned)

    def test_a_child_that_obeys(self) -> None:
        """A child that ends within the grace is not killed."""
        child = self.start()
        waiting = child.stop()
        self.reactor.last.ends(None, 2)
        self.assertEqual(self.successResultOf(waiting), Exit(None, 2))
        self.ended(child)
        self.assertEqual(self.reactor.last.signals, ["INT"])

    def test_a_stop_between_exit_and_end(self) -> None:
        """A stop that comes when the child is reaped already does no harm."""
        child = self.start()
        self.reactor.last.exits(0)
        child.stop()
        self.reactor.last.closes()
        self.assertEqual(self.ended(child), Exit(0))
        self.assertEqual(self.reactor.last.signals, [])

    def test_run_limit(self) -> None:
        """A child that runs longer than its limit is stopped, and it is known why."""
        child = self.start()
        self.reactor.advance(59.99)
        self.assertFalse(child.stopped)
        self.reactor.advance(0.01)
        self.assertTrue(child.stopped and child.overran)
        self.reactor.last.ends(None, 2)
        self.ended(child)

    def test_a_program_that_cannot_be_started(self) -> None:
        """A refused start is an end with a reason."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        how = self.ended(self.start())
        self.assertEqual(how.refused, "prog cannot be started: No such file or directory")
        self.assertFalse(how.ok)

    def test_arguments_that_no_program_can_be_given(self) -> None:
        """A NUL or half a surrogate in an argument is a refusal that shows it."""
        for words in (["prog", "a\0b"], ["prog", "a\ud800b"], ["pro\0g"]):
            child = spawn(self.reactor, self.reactor, words, env={}, ladder=_LADDER)
            refused = self.ended(child).refused or ""
            self.assertTrue(refused.isprintable())
            self.assertIn(ascii(words[-1]), refused)
        self.assertEqual(self.reactor.spawned, [])

    def test_names_of_files_in_any_coding(self) -> None:
        """A name that is no text, as the system gives it to us, can be given to a program."""
        spawn(self.reactor, self.reactor, ["prog", "a\udcffb"], env={}, ladder=_LADDER)
        self.assertEqual(self.reactor.last.argv, ["prog", "a\udcffb"])
        self.reactor.last.ends(0)

    def test_an_environment_that_no_program_can_be_given(self) -> None:
        """Whatever else the system does not take is a refusal with its reason."""
        for error in (ValueError("embedded null byte"), TypeError("expected str")):
            self.reactor.refuse = error  # type: ignore[assignment]
            how = self.ended(self.start())
            self.assertEqual(how.refused, f"prog cannot be started: {error}")

    def test_a_signal_that_is_not_permitted(self) -> None:
        """A child that we may not signal is tried again, and left behind at last."""
        child = self.start()

        def refuse(_signal: str | int) -> None:
            raise PermissionError(1, "Operation not permitted")

        self.reactor.last.signalProcess = refuse  # type: ignore[method-assign,assignment]
        waiting = child.stop()
        self.reactor.advance(3.0)
        self.reactor.advance(1.99)
        self.assertNoResult(waiting)
        self.reactor.advance(0.01)
        self.assertTrue(self.ended(child).abandoned)
        self.reactor.last.ends(None, 9)

    def test_every_waiter_has_its_own(self) -> None:
        """Each waiter is told once, and one that gave up waiting disturbs nobody."""
        child = self.start()
        first, second, third = (child.when_ended() for _ in range(3))
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.reactor.last.ends(0)
        self.assertEqual(self.successResultOf(first), Exit(0))
        self.assertEqual(self.successResultOf(third), Exit(0))

    def test_output_that_cannot_be_handled(self) -> None:
        """An error in the listener is logged, and the child goes on."""

        def listen(fd: int, data: bytes) -> None:
            raise ValueError(data)

        child = spawn(self.reactor, self.reactor, ["prog"], env={}, ladder=_LADDER, output=listen)
        self.reactor.last.says(b"one")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.reactor.last.ends(0)
        self.assertTrue(self.ended(child).ok)

    def test_sentences(self) -> None:
        """Every end can be said in words."""
        self.assertEqual(str(Exit(3)), "exit code 3")
        self.assertEqual(str(Exit(None, 9)), "signal 9 (SIGKILL)")
        self.assertEqual(str(Exit(None, 40)), "signal 40")
        self.assertEqual(str(Exit(refused="no")), "no")
        self.assertEqual(str(Exit(abandoned=True)), "it could not be killed")


class RunTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a reactor."""
        self.reactor = FakeReactor()

    def start(self, most: int = 100) -> Deferred[Ran]:
        """Run a program."""
        return Deferred.fromCoroutine(
            run(self.reactor, self.reactor, ["prog"], env={}, ladder=_LADDER, most=most)
        )

    def test_keeps_the_beginning_of_both_outputs(self) -> None:
        """No more is kept of an output than allowed, and both are told apart."""
        running = self.start(most=5)
        self.reactor.last.says(b"out", 1)
        self.reactor.last.says(b"put and more", 1)
        self.reactor.last.says(b"err", 2)
        self.reactor.last.ends(1)
        got = self.successResultOf(running)
        self.assertEqual(got, Ran(Exit(1), b"outpu", b"err"))

    def test_longer_than_its_limit(self) -> None:
        """A program that was ended by its limit is told from one that failed."""
        running = self.start()
        self.reactor.advance(60.0)
        self.reactor.last.ends(None, 2)
        self.assertTrue(self.successResultOf(running).overran)

    def test_cancelling_kills(self) -> None:
        """Who no longer waits for the program has it killed, and no timer stays."""
        running = self.start()
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.reactor.last.ends(None, 9)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
