#!/usr/bin/env python3
"""Callers that wait for an instance, and those that will not."""
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import BUILD_DIR, Service, wait_until  # noqa: E402

SLEEP = pathlib.Path(BUILD_DIR) / "tests" / "guests" / "sleep.wasm"
LEASED, WAITING = 'bulkhead_pool_leased{capsule="guest"}', 'bulkhead_pool_waiting{capsule="guest"}'


class WaitingTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-waiting-"))
        self.addCleanup(shutil.rmtree, self.root)
        capsule = self.root / "guest"
        capsule.mkdir()
        shutil.copyfile(SLEEP, capsule / "guest.wasm")
        (capsule / "Capsule.toml").write_text(
            '[package]\nname = "guest"\nversion = "1.0.0"\n[[component]]\nfile = "guest.wasm"\n'
            '[capsule]\nlive_max = 5\n')

    def begin(self, work):
        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_the_option_comes_before_the_manifest_and_who_will_not_wait_is_refused(self):
        with Service(str(self.root), "--instance-pool-size", "1") as service:
            pool = service.get("/v1/capsules/guest").json()["pool"]
            self.assertEqual(pool["live_max"], 1)
            caller = self.begin(lambda: service.invoke("x", b"1500000000"))
            wait_until(lambda: service.metric(LEASED) == 1)
            answer = service.invoke("x", b"1", Bulkhead_No_Wait="1")
            self.assertEqual((answer.status, answer.error_code()), (503, "saturated"))
            answer = service.invoke("x", b"1", Bulkhead_No_Wait="maybe")
            self.assertEqual((answer.status, answer.error_code()), (400, "bad-request"))
            self.assertEqual(service.invoke("x", b"1", Bulkhead_No_Wait="0").status, 200)
            caller.join()
            stats = service.get("/v1/capsules/guest").json()["stats"]
            self.assertEqual(stats["refusals"]["saturated"], 1)

    def test_a_principal_at_its_cap_waits_beside_free_instances_and_is_told_so(self):
        with Service(str(self.root), "--principal-leases-max", "1") as service:
            def ask(**headers):
                return service.invoke("x", b"1500000000", **headers)
            first = self.begin(lambda: ask(Bulkhead_Principal="ada"))
            wait_until(lambda: service.metric(LEASED) == 1)
            refused = ask(Bulkhead_Principal="ada", Bulkhead_No_Wait="1")
            self.assertEqual((refused.status, refused.error_code()), (429, "over-cap"))
            second = self.begin(lambda: ask(Bulkhead_Principal="ada"))
            wait_until(lambda: service.metric(WAITING) == 1)
            self.assertEqual(ask(Bulkhead_Principal="grace").status, 200)
            first.join()
            second.join()

    def test_profiles_that_are_malformed_stop_the_start_with_their_place(self):
        profiles = self.root / "profiles.toml"
        profiles.write_text("[principal.ada]\nweight = 0\n")
        with self.assertRaises(AssertionError) as failed:
            Service(str(self.root), "--profiles", str(profiles)).__exit__()
        self.assertIn("profiles.toml:2:", str(failed.exception))
        profiles.write_text("[principal.ada]\nweight = 3\n")
        with Service(str(self.root), "--profiles", str(profiles)) as service:
            self.assertEqual(service.invoke("x", b"1", Bulkhead_Principal="ada").status, 200)


if __name__ == "__main__":
    unittest.main()
