"""Tests for ``rakkr.jobs.device``: which card a recording goes on with."""

from __future__ import annotations

import itertools

import attrs
from twisted.internet.defer import Deferred, succeed

from rakkr.audio.pcm import sample_format
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere, Route
from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.device import KnownDevice
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.plan import plan_session
from tests.jobs.making import make_job
from tests.jobs.test_take import CARD, RATE, TakeCase

ABSENT = Found(None, "hw:0,0 (USB Audio, serial number 7) is not there")


class DeviceTests(TakeCase):
    """A card that is known after it has given its first sample."""

    def recording(self, seconds: int = 20) -> Deferred[list[Result]]:
        """Four seconds of a known card, and then nothing."""
        self.shop.devices.identity = CARD
        done = self.begin(make_job(duration_seconds=seconds))
        self.shop.record(4)
        return done

    def argv(self) -> str:
        """How the last program was called."""
        return " ".join(self.shop.reactor.last.argv)

    def test_identity_is_written_down(self) -> None:
        """The next agent knows the card, too."""
        done = self.recording()
        known = self.remembered().device
        assert known is not None
        self.assertEqual(DeviceIdentity.from_dict(known.identity), CARD)
        self.session.dismiss()
        self.shop.play(1)
        self.successResultOf(done)

    def test_absent_for_a_while(self) -> None:
        """While the card is not there, nothing is opened; when it is back, it is gone on with."""
        done = self.recording()
        self.shop.devices.found = ABSENT
        self.dies()
        self.quiet(8)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.shop.devices.found = None
        self.shop.play(20)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.reactor.spawned), 2)
        self.assertEqual(self.shop.uploads()[0][2], 20.0)
        ((_, frames),) = self.gaps()
        self.assertGreaterEqual(frames, 8 * RATE)

    def test_looks_become_rarer(self) -> None:
        """A card that stays away is not looked for every moment."""
        looks = []

        async def find(identity: DeviceIdentity, device: str) -> Found:
            looks.append(self.shop.reactor.seconds())
            return ABSENT

        done = self.recording(600)
        self.shop.devices.find = find  # type: ignore[method-assign]
        self.dies()
        self.quiet(120)
        pauses = [after - before for before, after in itertools.pairwise(looks)]
        self.assertLess(len(looks), 25)
        self.assertLessEqual(max(pauses), 10.3)
        self.session.dismiss()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_another_number(self) -> None:
        """The same card under another number is opened by it, and an event says so once."""
        done = self.recording()
        self.shop.devices.found = Found("hw:2,0")
        self.dies()
        self.quiet(1)
        self.assertIn("-D hw:2,0", self.argv())
        self.shop.play(20)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        refreshed = self.told_of("capture_device_refreshed")
        self.assertEqual(
            (refreshed["previousDevice"], refreshed["refreshedDevice"]), ("hw:0,0", "hw:2,0")
        )

    def test_the_name_at_first(self) -> None:
        """A job's interface is opened by the name that it has now, and an event says so."""
        job = make_job(duration_seconds=4, capture_device="hw:2,0", capture_interface_id="desk")
        self.shop.devices.names["desk"] = "hw:CARD=Desk,DEV=0"
        done = self.begin(job)
        self.assertIn("-D hw:CARD=Desk,DEV=0", self.argv())
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        refreshed = self.told_of("capture_device_refreshed")
        names = [refreshed[name] for name in ("previousDevice", "refreshedDevice")]
        self.assertEqual(names, ["hw:2,0", "hw:CARD=Desk,DEV=0"])

    def test_only_alsa_has_other_names(self) -> None:
        """A source of a sound server is recorded by the name that the job has."""
        self.shop.devices.names["desk"] = "hw:CARD=Desk,DEV=0"
        for backend, id_ in (("pipewire", "desk"), ("alsa", None)):
            job = make_job(capture_backend=backend, capture_device="a", capture_interface_id=id_)
            plan = plan_session([job], self.shop.place.live.current, "node").session
            assert plan is not None
            device = KnownDevice(self.shop.place, plan)
            found = self.successResultOf(Deferred.fromCoroutine(device.now()))
            self.assertEqual(found, Found("a"))

    def test_another_card(self) -> None:
        """A card that only has the old number is never opened; the rest of the window is a gap."""
        done = self.recording()
        self.shop.devices.found = Found(None, "hw:0,0 is another card now")
        self.dies()
        self.quiet(17)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.gaps(), [(4 * RATE, 16 * RATE)])
        account = self.told_of("capture_accounted")
        self.assertIn("another card", account["gaps"][0]["reason"])

    def test_unknown_card(self) -> None:
        """A name that stands for no certain card is opened as it is, again and again."""
        self.shop.devices.identity = None
        done = self.begin(make_job(capture_device="default"))
        self.shop.record(4)
        self.shop.devices.found = ABSENT
        self.dies()
        self.quiet(1)
        self.assertIn("-D default", self.argv())
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertIsNone(self.remembered().device)

    def test_not_known_at_first(self) -> None:
        """A sound system that did not answer is asked again while the card gives samples."""
        done = self.begin(make_job(duration_seconds=60))
        self.shop.record(4)
        self.assertIsNone(self.remembered().device)
        self.shop.devices.identity = CARD
        self.shop.record(30)
        self.assertIsNotNone(self.remembered().device)
        self.shop.devices.found = ABSENT
        self.dies()
        self.quiet(40)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_known_after_a_restart(self) -> None:
        """The next agent asks, too, when the one before could not find out."""
        done = self.begin(make_job(duration_seconds=60))
        self.shop.record(4)
        self.leave(done)
        self.shop.devices.identity = CARD
        crew = self.go_on(1.0)
        self.shop.record(2)
        self.assertIsNotNone(self.remembered().device)
        self.shop.play(60)
        self.assertEqual(crew.works, [])

    def test_absent_from_the_start(self) -> None:
        """A window in which the device of a restarted job never came back says why it failed."""
        done = self.recording(20)
        self.shop.crash()
        self.leave(done)
        self.shop.devices.found = ABSENT
        crew = self.go_on(1.0)
        self.quiet(20)
        self.assertEqual(crew.works, [])
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.shop.uploads()[0][2], 4.0)


class RouteTests(TakeCase):
    """What is found out about programs and sound servers before anything is opened."""

    def test_not_there_yet(self) -> None:
        """A source that a sound server does not have is waited for, and the gap is declared."""
        self.shop.absent = NotThere("PipeWire has no source desk; it has nothing")
        done = self.begin(make_job(duration_seconds=20))
        self.quiet(6)
        self.assertEqual(self.shop.reactor.spawned, [])
        error = self.told_of("capture_device_unavailable")["error"]
        self.assertEqual(error, "PipeWire has no source desk; it has nothing")
        self.shop.absent = None
        self.shop.play(25)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        ((_, frames),) = self.gaps()
        self.assertGreaterEqual(frames, 6 * RATE)

    def test_what_cannot_be(self) -> None:
        """What no program can do fails the job at once, before anything is opened."""
        self.shop.absent = CannotLaunch("JACK runs at 48000 Hz and cannot deliver 8000 Hz")
        done = self.begin(make_job(duration_seconds=20))
        self.quiet(1)
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertEqual(self.shop.reactor.spawned, [])

    def test_a_program_of_another_format(self) -> None:
        """What follows a loss has the format of what is there, or is not recorded."""
        done = self.begin(make_job(duration_seconds=20))
        self.shop.record(4)
        formats = []

        def other(request: CaptureRequest) -> Deferred[CaptureRequest]:
            formats.append(request.format.name)
            call = Launch(("pw-record", "-"), "agent", sample_format("S32_LE"))
            return succeed(attrs.evolve(request, route=Route(launch=call)))

        self.shop.find_route = other
        self.dies()
        self.quiet(8)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(set(formats), {"S16_LE"})
        self.shop.find_route = None
        self.shop.play(20)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
