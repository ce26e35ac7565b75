"""Tests for ``rakkr.reporting``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.jsonl import JsonLines
from rakkr.health.sqlite import SqliteLog
from rakkr.health.succession import Succession
from rakkr.reporting import make_store
from rakkr.settings import resolve


class StoreTests(SynchronousTestCase):
    """Which log the settings choose."""

    def test_jsonl(self) -> None:
        """By default events are lines of JSON, in the place and with the limits of the contract."""
        store = make_store(resolve({}, {}).settings, delivers=True)
        assert isinstance(store, JsonLines)
        self.assertEqual(store.path, Path.cwd() / "data/agent/health-events.jsonl")
        self.assertEqual((store.max_bytes, store.retained), (1 << 20, 3))
        self.assertEqual(store.undelivered_max_bytes, 64 << 20)
        self.assertTrue(store.delivers)

    def test_the_other_one(self) -> None:
        """After a change, what the other kind of log still has is delivered, if it ever did."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        flags = {
            "agent_health_log_file": str(directory / "log"),
            "agent_health_sqlite_file": str(directory / "database"),
        }
        settings = resolve(flags, {}).settings
        (directory / "database").touch()
        self.assertIsInstance(make_store(settings, delivers=True), JsonLines)
        (directory / "database.cursor").touch()
        store = make_store(settings, delivers=True)
        assert isinstance(store, Succession)
        self.assertIsInstance(store.current, JsonLines)
        self.assertIsInstance(store.earlier, SqliteLog)
        self.assertEqual(store.path, directory / "log")
        self.assertIsInstance(make_store(settings, delivers=False), JsonLines)

    def test_sqlite(self) -> None:
        """They are rows of a database where that is asked for."""
        settings = resolve({"agent_health_log_store": "sqlite"}, {}).settings
        store = make_store(settings, delivers=False)
        assert isinstance(store, SqliteLog)
        self.assertEqual(store.path, Path.cwd() / "data/agent/health-events.sqlite3")
        self.assertEqual(
            (store.max_bytes, store.max_days, store.undelivered_max_bytes), (64 << 20, 90, 64 << 20)
        )
        self.assertFalse(store.delivers)
