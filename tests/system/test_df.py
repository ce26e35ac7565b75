"""What ``df`` says, as it is and as it should not be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.df import BadAnswer, Filled, parse_df, share_used

HEADER = "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
NAME = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=30)


class DfTests(SynchronousTestCase):
    """Figures in KiB become bytes."""

    def parse(self, line: str) -> Filled:
        """Read an answer with one line below its header."""
        return parse_df(HEADER + line + "\n")

    def test_contract(self) -> None:
        """The contract's example reads as the contract has it."""
        self.assertEqual(
            self.parse("/dev/sda1 10000000 8750000 1250000 88% /"),
            Filled(total=10_240_000_000, free=1_280_000_000, used_percent=88),
        )

    def test_blanks(self) -> None:
        """Blanks and numbers in the names of a share and of its mount point are names."""
        wanted = Filled(total=1000 * 1024, free=100 * 1024, used_percent=90)
        for device in (
            "/dev/sda1",
            "//nas/my share",
            "//nas/tape 7 8",
            "a 1 2 3 x",
            "a 5 4 1 80% x",
            "none",
        ):
            for mount in ("/", "/mnt/two words", "/mnt/5 6 7", "/mnt/50% off"):
                self.assertEqual(self.parse(f"{device}  1000 900   100  90% {mount}"), wanted)

    def test_wrapped(self) -> None:
        """A device whose long name has a line of its own is read, too."""
        text = f"{HEADER}/dev/mapper/a-very-long-name\n      1000 900 100 90% /mnt\n"
        self.assertEqual(parse_df(text).used_percent, 90)

    def test_large(self) -> None:
        """Disks of many tebibytes lose no byte."""
        kib = 123_456_789_012_345
        found = self.parse(f"/dev/md0 {kib} {kib - 7} 7 100% /")
        self.assertEqual((found.total, found.free), (kib * 1024, 7168))

    def test_without_percentage(self) -> None:
        """Where no percentage is printed, it is what df would have computed."""
        self.assertEqual(self.parse("x 10000000 8750000 1250000 - /").used_percent, 88)
        self.assertEqual(self.parse("x 1000 - 400 - /").used_percent, 60)

    def test_reserved(self) -> None:
        """What is kept back for root is neither used nor free."""
        self.assertEqual(share_used(14_974_836, 80_526_428), 16)
        self.assertEqual((share_used(0, 1), share_used(1, 0), share_used(1, 999)), (0, 100, 1))
        self.assertEqual(share_used(0, 0), 100)

    def test_less_than_nothing(self) -> None:
        """Where root took what was kept back, nothing is free, not less."""
        found = self.parse("x 1000 1010 -10 101% /")
        self.assertEqual((found.free, found.used_percent), (0, 100))

    def test_first_that_counts(self) -> None:
        """The first line with figures counts, whatever stands before and behind it."""
        text = f"df: warning\n{HEADER}none - - - - /x\na 1000 900 100 90% /\nb 9 9 0 100% /b\n"
        self.assertEqual(parse_df(text).used_percent, 90)

    def test_nothing_of_use(self) -> None:
        """An answer without figures is refused with what it says, never taken for a full disk."""
        for text in ("", "\n", HEADER, "nan nan nan nan% /", "/dev/a 1 2 3", "x -1 -2 -3 4% /"):
            self.assertRaises(BadAnswer, parse_df, text)
        with self.assertRaisesRegex(BadAnswer, "no size"):
            self.parse("proc 0 0 0 - /proc")
        with self.assertRaisesRegex(BadAnswer, "it holds|holds no figures: what do you want"):
            parse_df("what do you want?")

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever is said, it is figures or refused."""
        try:
            found = parse_df(text)
        except BadAnswer:
            return
        self.assertTrue(0 <= found.used_percent <= 100 and found.free >= 0 < found.total)

    @given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**14))
    def test_as_df_prints(self, used: int, free: int, reserved: int) -> None:
        """The figures and the percentage come back as they were printed."""
        total = used + free + reserved + 1
        percent = share_used(used, free)
        found = self.parse(f"/dev/x {total} {used} {free} {percent}% /a b")
        self.assertEqual(found, Filled(total * 1024, free * 1024, percent))
        self.assertTrue(0 <= percent <= 100)
        if used + free:
            self.assertTrue(0 <= percent * (used + free) - 100 * used < used + free)
