"""Where a token may travel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.address import BadAddress, ControllerAddress

URL = "https://rakkr.example"


class AddressTests(SynchronousTestCase):
    """What a base URL may be, and what becomes of it."""

    def test_base(self) -> None:
        """Trailing slashes go, a proxy's path and port stay, and the API's path is joined."""
        for given_url, base in (
            (URL, f"{URL}/api/v1"),
            (f" {URL}/// ", f"{URL}/api/v1"),
            (f"{URL}:8787/rakkr/", f"{URL}:8787/rakkr/api/v1"),
            (f"{URL}/a%20b", f"{URL}/a%20b/api/v1"),
            ("https://[::1]:8787", "https://[::1]:8787/api/v1"),
            ("HTTPS://rakkr.example", f"{URL}/api/v1"),
        ):
            self.assertEqual(ControllerAddress.parse(given_url).base, base)

    def test_plaintext_stays_on_this_machine(self) -> None:
        """Plain http goes to loopback addresses and to localhost, and nowhere else by itself."""
        for host in ("127.0.0.1", "127.255.0.3:80", "[::1]:1", "localhost", "LOCALHOST:8787"):
            self.assertFalse(ControllerAddress.parse(f"http://{host}").secure)
        for host in (
            "127.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "128.0.0.1",
            "126.255.255.255",
            "[::2]",
            "0.0.0.0",
            "rakkr.example",
            "127.1",
        ):
            with self.assertRaises(BadAddress) as caught:
                ControllerAddress.parse(f"http://{host}")
            self.assertIn("unencrypted", str(caught.exception))
            self.assertFalse(ControllerAddress.parse(f"http://{host}", allow_insecure=True).secure)
            self.assertTrue(ControllerAddress.parse(f"https://{host}").secure)

    def test_anything_else_is_refused(self) -> None:
        """Other schemes, no host, credentials, a query or a bad port are one sentence each."""
        for url in (
            "ftp://rakkr.example",
            "rakkr.example:8787",
            "",
            "https://",
            "https://user:secret@rakkr.example",
            "https://rakkr.example/?x=1",
            "https://rakkr.example/#x",
            "https://rakkr.example:0",
            "https://rakkr.example:65536",
            "https://rakkr.example:x",
            "https://[::1",
            "https://ra kkr.example",
            "https://räkkr.example",
        ):
            with self.assertRaises(BadAddress) as caught:
                ControllerAddress.parse(url, allow_insecure=True)
            self.assertTrue(str(caught.exception).endswith("."), url)
            self.assertNotIn("secret", str(caught.exception))

    def test_join(self) -> None:
        """Parameters keep their order, and those that are None are left out."""
        address = ControllerAddress.parse(URL)
        self.assertEqual(
            address.join("a", "b", rendition=None, chunk=0, chunkTotal=3),
            f"{URL}/api/v1/a/b?chunk=0&chunkTotal=3",
        )
        for bad in ("", ".", ".."):
            with self.assertRaises(BadAddress):
                address.join("jobs", bad)

    @given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
    def test_an_id_stays_one_segment(self, identifier: str) -> None:
        """Whatever an id holds, it is one ASCII segment of the path."""
        joined = ControllerAddress.parse(URL).join("jobs", identifier, "claim")
        segments = joined.removeprefix(f"{URL}/api/v1/").split("/")
        self.assertEqual(len(segments), 3)
        self.assertTrue(joined.isascii())
        self.assertFalse(set("?#") & set(joined))
