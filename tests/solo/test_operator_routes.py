"""Tests of what a person can do."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.solo.desk import Desk
from tests.solo.test_acceptance import HEARTBEAT, INTERFACE


class OperatorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk(self)

    def test_probes(self) -> None:
        """The probes need no token."""
        for path in ("healthz", "readyz"):
            self.assertEqual(self.desk.call("GET", path, token=None).status, 200)

    def test_defaults(self) -> None:
        """An order that says nothing records the default device in stereo for an hour."""
        made = self.desk.operator("POST", "/recordings", {}).data
        command = made["job"]["command"]
        group = command.pop("captureGroupId")
        self.assertTrue(group.startswith("cap_"))
        self.assertEqual(
            command,
            {
                "type": "alsa_capture",
                "captureDevice": "default",
                "captureChannels": 2,
                "captureFormat": "S16_LE",
                "captureSampleRate": 48000,
                "durationSeconds": 3600,
                "outputCodec": "flac",
                "outputFileName": f"{made['recording']['id']}.flac",
            },
        )

    def test_precedence(self) -> None:
        """An order beats the node's defaults, and the extra command beats the order."""
        self.desk.operator(
            "PUT",
            "/nodes/node_1/config",
            {"audioDefaults": {"captureSampleRate": 44100, "captureFormat": "S24_3LE"}},
        )
        _, job = self.desk.order(
            sampleRate=96000, outputCodec="mp3", command={"captureChannels": 7, "x": 1}
        )
        command = self.desk.job(job)["command"]
        self.assertEqual(command["captureSampleRate"], 96000)
        self.assertEqual(command["captureFormat"], "S24_3LE")
        self.assertEqual((command["captureChannels"], command["x"]), (7, 1))
        self.assertEqual((command["outputBitrateKbps"], command["outputVbr"]), (128, True))

    def test_interface(self) -> None:
        """An order without a device takes the node's first interface, by its hardware name."""
        report = {**INTERFACE, "backend": "alsa", "systemRef": "hw:CARD=XUSB,DEV=0"}
        said = self.desk.agent("POST", "/nodes/node_1/inventory", {"interfaces": [report]}).data
        _, job = self.desk.order()
        command = self.desk.job(job)["command"]
        self.assertEqual(command["captureDevice"], "hw:CARD=XUSB,DEV=0")
        self.assertEqual(command["captureBackend"], "alsa")
        self.assertEqual(command["captureInterfaceId"], said["node"]["interfaces"][0]["id"])

    def test_refused_orders(self) -> None:
        """A wrong order is told what is wrong, and queues nothing."""
        for wrong, status in (
            ({"durationSeconds": 0}, 400),
            ({"outputCodec": "ogg"}, 400),
            ({"devise": "x"}, 400),
            ({"nodeId": "node_9"}, 404),
            ({"members": [{}, {"nodeId": "node_9"}]}, 404),
            ({"members": []}, 400),
            ({"groupWith": "rec_none"}, 404),
        ):
            self.assertEqual(self.desk.operator("POST", "/recordings", wrong).status, status)
        self.assertEqual(self.desk.operator("GET", "/recordings").data, [])

    def test_lists(self) -> None:
        """Recordings are listed with the newest first; one is read with its jobs."""
        first, job = self.desk.order(name="Vespers")
        second, _ = self.desk.order()
        listed = self.desk.operator("GET", "/recordings").data
        self.assertEqual([one["id"] for one in listed], [second, first])
        one = self.desk.operator("GET", f"/recordings/{first}").data
        self.assertEqual(one["recording"]["name"], "Vespers")
        self.assertEqual([each["id"] for each in one["jobs"]], [job])
        self.assertEqual(self.desk.operator("GET", "/recordings/rec_none").status, 404)

    def test_stop_and_retry_by_state(self) -> None:
        """Only what lives is stopped, and only what failed is tried again."""
        expected = {
            "queued": (200, 409),
            "running": (200, 409),
            "stop_requested": (409, 409),
            "completed": (409, 409),
            "failed": (409, 201),
            "cancelled": (409, 201),
        }
        for state, (stop, retry) in expected.items():
            recording, _ = self.desk.make(state)
            said = self.desk.operator("POST", f"/recordings/{recording}/stop").status
            self.assertEqual((state, said), (state, stop))
            recording, _ = self.desk.make(state)
            said = self.desk.operator("POST", f"/recordings/{recording}/retry").status
            self.assertEqual((state, said), (state, retry))

    def test_offline(self) -> None:
        """A node that was silent for more than two minutes is shown offline."""

        def status() -> str:
            return str(self.desk.operator("GET", "/nodes").data[0]["status"])

        self.assertEqual(status(), "provisioning")
        self.desk.agent("POST", "/nodes/node_1/heartbeat", HEARTBEAT)
        self.desk.clock.advance(120)
        self.assertEqual(status(), "online")
        self.desk.clock.advance(0.1)
        self.assertEqual(status(), "offline")

    def test_date(self) -> None:
        """Every answer has the controller's time."""
        reply = self.desk.operator("GET", "/recordings/rec_none")
        self.assertEqual(reply.headers.getRawHeaders("date"), ["Tue, 14 Nov 2023 22:13:20 GMT"])

    def test_bug_is_a_500(self) -> None:
        """An error of our own is logged and answered, never a hanging request."""
        self.patch(self.desk.solo.controller.store, "recordings", None)
        self.assertEqual(self.desk.operator("GET", "/recordings").status, 500)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
