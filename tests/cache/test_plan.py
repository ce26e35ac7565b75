"""Tests for ``rakkr.cache.plan`` and ``rakkr.cache.candidates``: what goes, and what never does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.candidates import Candidate, Survey, candidates, survey
from rakkr.cache.intent import Intent
from rakkr.cache.manifest import Entry, decode_manifest, encode_manifest
from rakkr.cache.plan import Deletion
from rakkr.controller.messages import CacheRetention
from rakkr.disk.holding import Holding, OnDisk, needed_files
from rakkr.disk.space import Space
from tests.cache.holding import DAY, DIRECTORY, NOON, delivered, kept, policy

FILES = [DIRECTORY / f"{name}.wav" for name in "abcdefgh"]
SIZE = 1000
HERE = OnDisk(SIZE, SIZE, 5)


def see(
    holdings: Sequence[Holding], listed: Sequence[Entry] = (), gone: Sequence[Path] = ()
) -> Survey:
    """Survey holdings of whose files all but some exist."""

    def look(path: Path) -> OnDisk | None:
        return None if path in gone else HERE

    return survey(holdings, listed, look, lambda _: False)


def intent(
    listed: Sequence[CacheRetention] | None = None,
    now: float = NOON,
    space: Space | None = None,
    **more: Sequence[Path],
) -> Intent:
    """What holds at that moment."""
    return Intent(listed=listed, orphan_days=30, now=now, space=space, **more)


def names(deletions: Sequence[Deletion]) -> list[tuple[str, str]]:
    """What goes, and for which reason."""
    return [(each.holding.recording_id, each.reason) for each in deletions]


POLICIES = st.builds(
    CacheRetention,
    policy_id=st.sampled_from("pq"),
    delete_after_upload=st.sampled_from([False, False, True]),
    max_age_days=st.none() | st.sampled_from([0, 1, 2, 400]),
    max_bytes=st.none() | st.integers(0, 6 * SIZE),
    min_free_disk_percent=st.none() | st.sampled_from([0, 10, 50, 95, 300]),
)
SPACES = st.none() | st.builds(Space, st.integers(0, 10 * SIZE), st.just(10 * SIZE))


@st.composite
def worlds(draw: st.DrawFn) -> list[Holding]:
    """Recordings of every standing, some with files of others."""
    holdings = []
    for number in range(draw(st.integers(0, 6))):
        files = draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=3, unique=True))
        if draw(st.booleans()) or draw(st.booleans()):
            age = draw(st.sampled_from([-DAY, 0, DAY - 1, DAY, 2 * DAY, 500 * DAY]))
            rule = draw(st.none() | POLICIES)
            holdings.append(delivered(number, NOON - age, *files, rule=rule))
        else:
            standing = draw(st.sampled_from(["salvage", "unfinished", "undelivered"]))
            holdings.append(kept(number, *files, standing=standing))
    return holdings


LISTS = st.none() | st.lists(POLICIES, max_size=2, unique_by=lambda each: each.policy_id)


class PropertyTests(SynchronousTestCase):
    """What holds for every world."""

    @given(worlds(), LISTS, SPACES, st.integers(0, 8 * SIZE))
    def test_never_without_a_receipt(
        self,
        holdings: list[Holding],
        listed: list[CacheRetention] | None,
        space: Space | None,
        required: int,
    ) -> None:
        """No recording goes without its receipt, and no file goes that somebody needs."""
        seen = see(holdings)
        for _, deletions in (
            intent(listed, space=space).sweep(seen),
            intent().room(seen, required),
        ):
            for each in deletions:
                self.assertIsNotNone(each.holding.proof)
                self.assertTrue(needed_files(holdings).isdisjoint(each.files))
                others = (other.files for other in holdings if other.proof is None)
                self.assertTrue(set().union(*others).isdisjoint(each.files))

    @given(worlds(), LISTS, SPACES, st.integers(0, 8 * SIZE))
    def test_once_and_oldest_first(
        self,
        holdings: list[Holding],
        listed: list[CacheRetention] | None,
        space: Space | None,
        required: int,
    ) -> None:
        """A recording goes once, a file goes once, and of what has one reason the oldest first."""
        seen = see(holdings)
        for _, deletions in (
            intent(listed, space=space).sweep(seen),
            intent().room(seen, required),
        ):
            recordings = [each.holding.recording_id for each in deletions]
            self.assertEqual(len(recordings), len(set(recordings)))
            files = [path for each in deletions for path in each.files]
            self.assertEqual(len(files), len(set(files)))
            groups: dict[tuple[str, str | None], list[float]] = {}
            for each in deletions:
                assert each.holding.proof is not None
                key = (each.reason, each.policy_id if each.reason != "disk_space" else None)
                groups.setdefault(key, []).append(each.holding.proof.uploaded)
            for group in groups.values():
                self.assertEqual(group, sorted(group))

    @given(worlds(), LISTS)
    def test_what_another_keeps(
        self, holdings: list[Holding], listed: list[CacheRetention] | None
    ) -> None:
        """A file of a recording that stays, because nothing says that it may go, stays with it."""
        seen = see(holdings)
        rules, deletions = intent(listed).sweep(seen)
        gone = {path for each in deletions for path in each.files}
        for each in holdings:
            if each.proof is not None and rules.of(each) is None:
                self.assertTrue(gone.isdisjoint(each.files))

    @given(worlds(), LISTS, SPACES)
    def test_young_ones_stay(
        self, holdings: list[Holding], listed: list[CacheRetention] | None, space: Space | None
    ) -> None:
        """What goes for its age is as old as its rule says, to the second."""
        rules, deletions = intent(listed, space=space).sweep(see(holdings))
        for each in deletions:
            rule = rules.of(each.holding)
            assert rule is not None
            assert each.holding.proof is not None
            if each.reason == "max_age":
                assert rule.seconds is not None
                self.assertGreaterEqual(NOON - each.holding.proof.uploaded, rule.seconds)

    @given(worlds(), st.integers(0, 12 * SIZE))
    def test_room_is_enough_and_no_more(self, holdings: list[Holding], required: int) -> None:
        """For a short disk so much goes as is needed; without the last one it would not do."""
        seen = see(holdings)
        _, deletions = intent().room(seen, required)
        freed = sum(each.frees for each in deletions)
        everything = sum(each.frees for each in intent().room(seen, 1 << 60)[1])
        self.assertGreaterEqual(freed, min(required, everything))
        if deletions:
            self.assertLess(freed - deletions[-1].frees, required)

    @given(worlds(), LISTS, SPACES)
    def test_free_space_and_no_more(
        self, holdings: list[Holding], listed: list[CacheRetention] | None, space: Space | None
    ) -> None:
        """For a free space target nothing goes once it is met, whatever else went before."""
        rules, deletions = intent(listed, space=space).sweep(see(holdings))
        freed = 0
        for each in deletions:
            if each.reason == "min_free_disk":
                rule = rules.of(each.holding)
                assert rule is not None
                assert rule.min_free_percent is not None
                assert space is not None
                wanted = math.ceil(space.total * rule.min_free_percent / 100)
                self.assertLess(space.free + freed, wanted)
            freed += each.frees

    @given(worlds(), LISTS)
    def test_bytes_and_no_more(
        self, holdings: list[Holding], listed: list[CacheRetention] | None
    ) -> None:
        """For a budget of bytes nothing goes once what a policy keeps is within it."""
        seen = see(holdings)
        rules, deletions = intent(listed).sweep(seen)
        gone: set[str] = set()
        for each in deletions:
            if each.reason == "max_bytes":
                rule = rules.of(each.holding)
                assert rule is not None
                assert rule.max_bytes is not None
                mine = [
                    other
                    for other in candidates(seen, rules)
                    if other.rule == rule and other.holding.recording_id not in gone
                ]
                self.assertGreater(held(mine), rule.max_bytes)
            gone.add(each.holding.recording_id)


def held(chosen: Sequence[Candidate]) -> int:
    """The bytes that these have together."""
    return sum(SIZE for _ in {path for each in chosen for path in each.files})


class AgeTests(SynchronousTestCase):
    """Age."""

    def test_to_the_second(self) -> None:
        """A recording goes at its age, and not a second before."""
        held = delivered(1, NOON, rule=policy(max_age_days=7))
        seen = see([held])
        for late, gone in ((-1.0, []), (0.0, [("rec_1", "max_age")])):
            for listed in ([policy(max_age_days=7)], None):
                _, deletions = intent(listed, NOON + 7 * DAY + late).sweep(seen)
                self.assertEqual(names(deletions), gone)

    def test_uploaded_later_than_now(self) -> None:
        """What was uploaded in the future is not old."""
        held = delivered(1, NOON + DAY, rule=policy(max_age_days=1))
        self.assertEqual(intent().sweep(see([held]))[1], [])

    def test_vanished(self) -> None:
        """A policy that is gone at the controller keeps its files for the default age."""
        seen = see([delivered(1, NOON, rule=policy(max_age_days=1))])
        for late, gone in ((-1.0, []), (0.0, [("rec_1", "max_age")])):
            _, deletions = intent([], NOON + 30 * DAY + late).sweep(seen)
            self.assertEqual(names(deletions), gone)

    def test_after_upload(self) -> None:
        """What a job gave up and is still here goes at once, of whatever age."""
        seen = see([delivered(1, NOON, rule=policy(delete_after_upload=True))])
        self.assertEqual(names(intent().sweep(seen)[1]), [("rec_1", "after_upload")])


class AmountTests(SynchronousTestCase):
    """Bytes and free space."""

    def two(self, **limits: Any) -> Survey:
        """Two recordings of 300 bytes, the second one older."""
        rule = policy(**limits)
        one = delivered(1, NOON - 1, FILES[0], rule=rule)
        two = delivered(2, NOON - 2, FILES[1], rule=rule)
        return survey([one, two], (), lambda _: OnDisk(300, 300), lambda _: False)

    def test_bytes(self) -> None:
        """The oldest goes when all of them take more than the budget, and not at the budget."""
        for most, gone in (
            (600, []),
            (599, ["rec_2"]),
            (300, ["rec_2"]),
            (299, ["rec_2", "rec_1"]),
        ):
            _, deletions = intent().sweep(self.two(max_bytes=most))
            self.assertEqual(names(deletions), [(each, "max_bytes") for each in gone])

    def test_free_space(self) -> None:
        """Of 400 free bytes of 1000, 70 per cent take one recording, 71 two, and 40 none."""
        for percent, gone in ((40, []), (70, ["rec_2"]), (70.1, ["rec_2", "rec_1"])):
            _, deletions = intent(space=Space(400, 1000)).sweep(
                self.two(min_free_disk_percent=percent)
            )
            self.assertEqual(names(deletions), [(each, "min_free_disk") for each in gone])

    def test_no_figures(self) -> None:
        """Where the disk does not say what is free, nothing goes for it."""
        self.assertEqual(intent().sweep(self.two(min_free_disk_percent=95))[1], [])

    def test_age_before_space(self) -> None:
        """What goes for its age under one policy is counted for the free space of another."""
        old = delivered(1, NOON - 9 * DAY, FILES[0], rule=policy("old", max_age_days=7))
        free = delivered(2, NOON, FILES[1], rule=policy("free", min_free_disk_percent=50))
        listed = [policy("free", min_free_disk_percent=50), policy("old", max_age_days=7)]
        _, deletions = intent(listed, space=Space(4000, 10_000)).sweep(see([old, free]))
        self.assertEqual(names(deletions), [("rec_1", "max_age")])


class SharedTests(SynchronousTestCase):
    """Files of several recordings."""

    def group(self, one: CacheRetention | None, two: CacheRetention | None) -> Survey:
        """Two members of one capture, with a file each and a file of both."""
        return see(
            [
                delivered(1, NOON - 9 * DAY, FILES[0], FILES[2], rule=one),
                delivered(2, NOON - 9 * DAY, FILES[1], FILES[2], rule=two),
            ]
        )

    def test_the_neighbour_keeps_it(self) -> None:
        """The capture stays while one of them is to stay; only what is its own goes."""
        for keeps in (None, policy("q", max_age_days=30)):
            _, deletions = intent().sweep(self.group(policy("p", max_age_days=7), keeps))
            self.assertEqual([each.files for each in deletions], [(FILES[0],)])
            self.assertEqual(deletions[0].frees, SIZE)

    def test_both_go(self) -> None:
        """The capture goes with the last of them."""
        rule = policy(max_age_days=7)
        _, deletions = intent().sweep(self.group(rule, rule))
        self.assertEqual([each.files for each in deletions], [(FILES[0],), (FILES[1], FILES[2])])

    def test_a_kept_neighbour(self) -> None:
        """What a recording needs that was not delivered stays, though another may lose it."""
        one = delivered(1, NOON - 9 * DAY, FILES[0], FILES[2], rule=policy(max_age_days=7))
        for standing in ("salvage", "unfinished"):
            seen = see([one, kept(2, FILES[2], standing=standing)])
            for _, deletions in (intent().sweep(seen), intent().room(seen, 1 << 40)):
                self.assertEqual([each.files for each in deletions], [(FILES[0],)])

    def test_a_neighbour_that_failed(self) -> None:
        """A capture stays for frames that only a job had that failed; without any it goes."""
        one = delivered(1, NOON - 9 * DAY, FILES[0], FILES[2], rule=policy(max_age_days=7))
        for unsent, files in ((True, (FILES[0],)), (False, (FILES[0], FILES[2]))):
            failed = kept(2, FILES[2], standing="undelivered")
            seen = see([one, attrs.evolve(failed, unsent=unsent)])
            for _, deletions in (intent().sweep(seen), intent().room(seen, 1 << 40)):
                self.assertEqual([each.files for each in deletions], [files])

    def test_left_alone(self) -> None:
        """Files that cannot be deleted, for now, are not counted on; others go in their place."""
        one = delivered(1, NOON - 2, FILES[0])
        two = delivered(2, NOON - 1, FILES[1])
        seen = see([one, two])
        _, deletions = intent(without=[FILES[0]]).room(seen, SIZE)
        self.assertEqual([each.files for each in deletions], [(FILES[1],)])


class SurveyTests(SynchronousTestCase):
    """What the list becomes."""

    def test_the_list_is_made_of_the_journals(self) -> None:
        """Delivered recordings with a file are listed, with the sizes; others are not."""
        one, two, three = delivered(1), delivered(2), kept(3)
        seen = see([one, two, three], gone=[*two.files, one.raw])
        self.assertEqual(seen.entries, (Entry(one, {one.output: HERE}),))
        self.assertEqual(seen.gone, {"job_1": {one.raw}, "job_2": set(two.files)})

    def test_what_no_journal_knows(self) -> None:
        """An entry with a receipt that no journal bears out stays listed, with all its files."""
        held = delivered(1, NOON - 9 * DAY, rule=policy(max_age_days=7))
        content = encode_manifest([Entry(held, dict.fromkeys(held.files, HERE))])
        listed, _ = decode_manifest(content)
        seen = see([], listed)
        self.assertEqual(seen.entries, tuple(listed))
        for _, deletions in (intent().sweep(seen), intent().room(seen, 1 << 40)):
            self.assertEqual(deletions, [])
        half = see([], listed, gone=[held.raw])
        self.assertEqual([each.holding.files for each in half.entries], [(held.output,)])

    def test_other_files_under_their_names(self) -> None:
        """A file that is not the one any more that was put down stays, now and at the next look."""
        held = delivered(1, NOON - 9 * DAY, rule=policy(max_age_days=7))
        for then in (OnDisk(SIZE - 1, 0, 5), OnDisk(SIZE, 0, 4)):
            listed: Sequence[Entry] = [Entry(held, {held.output: HERE, held.raw: then})]
            for _ in range(2):
                seen = see([held], listed)
                for _, deletions in (intent().sweep(seen), intent().room(seen, 1 << 40)):
                    self.assertEqual([each.files for each in deletions], [(held.output,)])
                listed = seen.entries

    def test_files_that_grow(self) -> None:
        """A file that is still written to is put down for good only when nobody does any more."""
        held, busy = delivered(1), kept(2, delivered(1).raw, standing="unfinished")
        for holdings in ([held, busy], [attrs.evolve(held, settled=False)]):
            (entry,) = see(holdings).entries
            self.assertIsNone(entry.found[held.raw].modified)
            then = {held.output: HERE, held.raw: OnDisk(1, 1)}
            seen = see([held], [Entry(held, then)])
            self.assertEqual((seen.changed, seen.entries), (set(), see([held]).entries))

    def test_its_journal_says_otherwise(self) -> None:
        """A file that a journal names now belongs to that, whatever the list said of it."""
        listed = [Entry(delivered(1, NOON - 9 * DAY, FILES[0]), {FILES[0]: HERE})]
        seen = see([kept(2, FILES[0])], listed)
        self.assertEqual(seen.entries, ())
        self.assertEqual(intent().room(seen, 1 << 40)[1], [])

    def test_another_agents_entry(self) -> None:
        """An entry without a receipt stays listed while a file is there, and nothing of it goes."""
        foreign = Entry(attrs.evolve(kept(1, standing="undelivered"), job_ids=()), {})
        seen = see([], [foreign])
        self.assertEqual(seen.entries, (foreign,))
        self.assertEqual(intent().room(seen, 1 << 40)[1], [])
        self.assertEqual(see([], [foreign], foreign.holding.files).entries, ())

    def test_a_disk_that_does_not_answer(self) -> None:
        """A file of which nobody knows whether it is there is neither gone nor deleted."""

        def look(path: Path) -> OnDisk | None:
            raise OSError(5, "Input/output error")

        one = delivered(1, NOON - 9 * DAY, rule=policy(max_age_days=7))
        seen = survey([one], (), look, lambda _: False)
        self.assertEqual((seen.gone, seen.found), ({}, {}))
        self.assertEqual(seen.entries, (Entry(one, {}),))
        self.assertEqual(intent().sweep(seen)[1], [])

    def test_without_a_sample(self) -> None:
        """What failed goes with the default age, if there is provably no audio in it."""
        for silent in (True, False):
            failed = kept(1, FILES[0], standing="undelivered")
            seen = survey(
                [failed], (), lambda _: OnDisk(44, 4096), [FILES[1], FILES[0]][silent].__eq__
            )
            for late, gone in ((-1.0, []), (0.0, [("rec_1", "no_audio")] if silent else [])):
                _, deletions = intent([], NOON + 30 * DAY + late).sweep(seen)
                self.assertEqual(names(deletions), gone)
            self.assertEqual(intent().room(seen, 1 << 40)[1], [])
