"""Tests of what an agent's calls do."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.stamps import format_stamp
from tests.solo.desk import START, Desk
from tests.solo.test_acceptance import EVENT, FRAME, HEARTBEAT, INTERFACE, MONITOR, WAV

FAILED = ("controller.recording.job_failed", "critical")
CANCELLED = ("controller.recording.job_cancelled", "warning")


class NodeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk(self)

    def test_heartbeat(self) -> None:
        """A heartbeat overwrites addresses, keeps the runtime, and never says offline."""
        runtime = {"audioBackends": ["alsa"], "uptimeSeconds": 7}
        first = {**HEARTBEAT, "runtime": runtime, "ipAddresses": ["192.0.2.1"], "status": "offline"}
        self.desk.agent("POST", "/nodes/node_1/heartbeat", first)
        node = self.desk.agent("POST", "/nodes/node_1/heartbeat", HEARTBEAT).data
        self.assertEqual((node["runtime"], node["ipAddresses"]), (runtime, []))
        self.assertEqual((node["status"], node["lastSeenAt"]), ("online", format_stamp(START)))

    def test_seventeen_addresses(self) -> None:
        """Only the first 16 addresses are kept."""
        beat = {**HEARTBEAT, "ipAddresses": [str(at) for at in range(17)]}
        node = self.desk.agent("POST", "/nodes/node_1/heartbeat", beat).data
        self.assertEqual(node["ipAddresses"][-1], "15")

    def test_inventory_teaches_ids(self) -> None:
        """The ids that an inventory gives are those of the next heartbeat."""
        said = self.desk.agent("POST", "/nodes/node_1/inventory", {"interfaces": [INTERFACE]}).data
        self.assertTrue(said["changed"])
        self.assertEqual(said["summary"]["added"], ["X-USB"])
        node = self.desk.agent("POST", "/nodes/node_1/heartbeat", HEARTBEAT).data
        self.assertEqual(node["interfaces"], said["node"]["interfaces"])
        self.assertEqual(len(node["interfaces"][0]["channels"]), 32)

    def test_empty_inventory(self) -> None:
        """An inventory that cannot be read marks every interface absent."""
        self.desk.agent("POST", "/nodes/node_1/inventory", {"interfaces": [INTERFACE]})
        said = self.desk.agent("POST", "/nodes/node_1/inventory", b"{{").data
        self.assertEqual(said["summary"]["absent"], ["X-USB"])

    def test_meter_and_monitor(self) -> None:
        """The latest frame and the latest sound are there for an operator."""
        self.assertEqual(self.desk.operator("GET", "/nodes/node_1/meter-frame").status, 204)
        self.desk.agent("POST", "/nodes/node_1/meter-frame", {**FRAME, "extra": 1})
        self.assertEqual(
            self.desk.operator("GET", "/nodes/node_1/meter-frame").data,
            {"frame": FRAME, "receivedAt": format_stamp(START)},
        )
        said = self.desk.agent("POST", "/nodes/node_1/listen/chunk", WAV, headers=MONITOR).data
        self.assertEqual((said["capturedAt"], said["durationMs"]), (format_stamp(START), 1000))
        self.assertEqual(self.desk.operator("GET", "/nodes/node_1/listen/chunk").content, WAV)
        enhanced = self.desk.operator("GET", "/nodes/node_1/listen/chunk?rendition=enhanced")
        self.assertEqual(enhanced.status, 204)

    def test_config(self) -> None:
        """Capacity is 1 and defaults are absent until an operator sets them, and absent again."""
        fresh = self.desk.agent("GET", "/nodes/node_1/config").data
        self.assertEqual(
            fresh,
            {
                "monitorEnhancement": {"engine": "deepfilternet3", "requested": False},
                "recorderCachePolicies": [],
                "recordingCapacity": {"maxConcurrentRecordings": 1},
            },
        )
        changes = {
            "audioDefaults": {"captureSampleRate": 44100},
            "recordingCapacity": {"maxConcurrentRecordings": 4},
        }
        self.desk.operator("PUT", "/nodes/node_1/config", changes)
        told = self.desk.agent("GET", "/nodes/node_1/config").data
        self.assertEqual({name: told[name] for name in changes}, changes)
        self.desk.operator("PUT", "/nodes/node_1/config", dict.fromkeys(changes))
        self.assertEqual(self.desk.agent("GET", "/nodes/node_1/config").data, fresh)

    def test_assignments(self) -> None:
        """An agent is told the channel maps that an operator set."""
        self.assertEqual(self.desk.agent("GET", "/nodes/node_1/channel-map-assignments").data, [])
        maps = [{"assignment": {"id": "a"}, "template": {"id": "t"}}]
        self.desk.operator("PUT", "/nodes/node_1/channel-map-assignments", maps)
        told = self.desk.agent("GET", "/nodes/node_1/channel-map-assignments").data
        self.assertEqual(told, maps)

    def test_events(self) -> None:
        """An event keeps its own time and id, is never merged, and taints its recording."""
        recording, _ = self.desk.order()
        event = {
            **EVENT,
            "severity": "warning",
            "id": "mine",
            "openedAt": "2020-01-02T03:04:05+01:00",
            "recordingId": recording,
        }
        self.desk.agent("POST", "/nodes/node_1/health-events", event)
        kept = self.desk.agent("POST", "/nodes/node_1/health-events", event).data
        self.assertEqual(kept["openedAt"], "2020-01-02T02:04:05.000Z")
        self.assertEqual(kept["details"], {"localEventId": "mine"})
        self.assertIsNone(kept["resolvedAt"])
        self.assertEqual(len(self.desk.events(recording)), 2)
        self.assertEqual(self.desk.recording(recording)["healthStatus"], "warning")


class JobTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk(self)

    def claim_group(self) -> list[str]:
        reply = self.desk.agent("POST", "/nodes/node_1/recording-jobs/claim-next-group")
        return [job["id"] for job in reply.data] if reply.status == 200 else []

    def test_claims(self) -> None:
        """A group comes whole, in its order, once; a late member comes alone."""
        first = self.desk.operator("POST", "/recordings", {"members": [{}, {"name": "b"}]}).data
        ids = [member["job"]["id"] for member in first["members"]]
        self.desk.order()
        self.assertEqual(self.claim_group(), ids)
        _, late = self.desk.order(groupWith=first["recording"]["id"])
        self.assertEqual(
            self.desk.job(late)["command"]["captureGroupId"],
            first["job"]["command"]["captureGroupId"],
        )
        self.assertEqual(len(self.claim_group()), 1)
        self.assertEqual(self.claim_group(), [late])
        self.assertEqual(self.claim_group(), [])

    def test_lease(self) -> None:
        """A job lives while it is heartbeated, and fails in the moment its lease ends."""
        recording, job = self.desk.make("running")
        self.assertEqual(self.desk.job(job)["leaseExpiresAt"], format_stamp(START + 30))
        self.desk.clock.advance(29.999)
        self.assertEqual(self.desk.agent("POST", f"/recording-jobs/{job}/heartbeat").status, 200)
        self.desk.clock.advance(30)
        self.assertEqual(self.desk.agent("POST", f"/recording-jobs/{job}/heartbeat").status, 409)
        failed = self.desk.job(job)
        self.assertEqual((failed["status"], failed["failureReason"]), ("failed", "lease_expired"))
        kept = self.desk.recording(recording)
        self.assertEqual((kept["status"], kept["healthStatus"]), ("failed", "critical"))
        self.assertEqual(self.desk.events(recording), [FAILED])

    def test_lease_fails_to_partial(self) -> None:
        """What is secured in chunks makes a lost recording partial."""
        recording, _ = self.desk.make("running")
        self.desk.upload(recording, query="?chunk=0")
        self.desk.clock.advance(30)
        self.assertEqual(self.desk.recording(recording)["status"], "partial")

    def test_stop_window(self) -> None:
        """A stop completes the recording at once, and takes the file for 30 s."""
        recording, job = self.desk.make("stop_requested")
        self.assertEqual(self.desk.recording(recording)["status"], "completed")
        self.assertEqual(self.desk.recording(recording)["durationSeconds"], 1)
        self.desk.clock.advance(29.999)
        self.assertEqual(self.desk.upload(recording, x_rakkr_recording_job_id=job).status, 201)
        self.assertEqual(self.desk.job(job)["status"], "completed")
        kept = self.desk.recording(recording)
        self.assertEqual((kept["status"], kept["healthStatus"]), ("cached", "healthy"))

    def test_stop_window_closes(self) -> None:
        """After 30 s a stopped job is cancelled with a warning, and takes no file."""
        recording, job = self.desk.make("stop_requested")
        self.desk.clock.advance(30)
        self.assertEqual(self.desk.upload(recording).status, 409)
        self.assertEqual(self.desk.job(job)["failureReason"], "stop_request_lease_expired")
        self.assertEqual(self.desk.recording(recording)["status"], "completed")
        self.assertEqual(self.desk.events(recording), [CANCELLED])

    def test_ends(self) -> None:
        """Each end has its event; a stop that is confirmed has none."""
        cases = [
            ("failed", None, "failed", [FAILED]),
            ("cancelled", "no device", "completed", [CANCELLED]),
            ("cancelled", "controller_stop_requested", "completed", []),
        ]
        for ending, reason, status, events in cases:
            recording, job = self.desk.make("running")
            headers = {} if reason is None else {"x-rakkr-reason": reason}
            said = self.desk.agent("POST", f"/recording-jobs/{job}/{ending}", headers=headers).data
            self.assertEqual(said["failureReason"], reason or f"agent_{ending}")
            self.assertEqual(self.desk.recording(recording)["status"], status)
            self.assertEqual(self.desk.events(recording), events)

    def test_failing_twice(self) -> None:
        """A repeated failure keeps the first reason and makes another event."""
        recording, job = self.desk.make("failed")
        again = self.desk.agent(
            "POST", f"/recording-jobs/{job}/failed", headers={"x-rakkr-reason": "later"}
        )
        self.assertEqual(again.data["failureReason"], "agent_failed")
        self.assertEqual(self.desk.events(recording), [FAILED, FAILED])

    def test_retry(self) -> None:
        """A retry is a new job with the old command, and takes the file even before its claim."""
        recording, job = self.desk.make("failed")
        made = self.desk.operator("POST", f"/recordings/{recording}/retry").data
        self.assertNotEqual(made["job"]["id"], job)
        self.assertEqual(made["job"]["command"], self.desk.job(job)["command"])
        self.assertEqual(made["recording"]["status"], "recording")
        late = self.desk.upload(recording, x_rakkr_recording_job_id=made["job"]["id"])
        self.assertEqual(late.status, 201)
        self.assertEqual(self.desk.job(made["job"]["id"])["status"], "completed")
        self.assertEqual(self.desk.job(job)["status"], "failed")
