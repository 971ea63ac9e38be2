#!/usr/bin/env python3
"""A daemon runs the loops of its capsules, says how they are, and ends them with their version."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service  # noqa: E402

LOOP_WASM = os.path.join(service.BUILD_DIR, "tests", "guests", "run_loop.wasm")
MANIFEST = """[package]
name = "loop"
version = "{version}"

[[component]]
file = "guest.wasm"

[env.do]
type = "text"
default = "{behaviour}"

[env.tag]
type = "text"
default = "rounds"
"""


class RunLoop(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.capsules = directory.name
        self.path = service.write_capsule(self.capsules, "loop", wasm=LOOP_WASM,
                                          manifest=MANIFEST.format(version="1.0.0",
                                                                   behaviour="count"))
        service.write_capsule(self.capsules, "guest")

    def start(self):
        self.service = service.Service(self.capsules)
        self.addCleanup(self.service.__exit__)

    def read(self):
        return self.service.get("/v1/capsules/loop").json()

    def wait_for(self, state):
        service.wait_until(lambda: self.read().get("run", {}).get("state") == state)

    def reload(self, version, behaviour):
        unfinished = os.path.join(self.path, "unfinished")
        with open(unfinished, "w") as output:
            output.write(MANIFEST.format(version=version, behaviour=behaviour))
        os.rename(unfinished, os.path.join(self.path, "Capsule.toml"))
        return self.service.request("POST", "/v1/capsules/loop/reload")

    def test_a_loop_runs_from_the_start_and_its_state_is_told(self):
        self.start()
        self.wait_for("ready")
        read = self.read()
        self.assertEqual(read["run"], {"state": "ready", "restarts": 0, "failure": ""})
        self.assertEqual(read["pool"]["live"], 0)
        self.assertEqual(self.service.metric('bulkhead_run_loop{capsule="loop",state="ready"}'), 1)
        self.assertEqual(self.service.metric('bulkhead_run_loop{capsule="loop",state="failed"}'), 0)
        fuel = self.service.metric('bulkhead_fuel_used_total{capsule="loop"}')
        service.wait_until(
            lambda: self.service.metric('bulkhead_fuel_used_total{capsule="loop"}') > fuel)
        other = self.service.get("/v1/capsules/guest").json()
        self.assertNotIn("run", other)

    def test_top_shows_it(self):
        self.start()
        self.wait_for("ready")
        shown = subprocess.run(
            [service.TOOL, "top", "--count", "1", "--listen",
             f"{self.service.host}:{self.service.port}"],
            capture_output=True, text=True, check=True).stdout
        rows = {line.split()[0]: line.split()[1] for line in shown.splitlines()}
        self.assertEqual(rows["loop"], "loop")
        self.assertEqual(rows["guest"], "ready")

    def test_an_invocation_is_refused_with_the_reason(self):
        self.start()
        answer = self.service.invoke("x", capsule="loop")
        self.assertEqual(answer.status, 501)
        self.assertEqual(answer.error_code(), "unsupported")
        self.assertIn("is a run loop", answer.json()["error"]["message"])

    def test_a_reload_hands_over_and_may_end_the_loop(self):
        self.start()
        self.wait_for("ready")
        answer = self.reload("1.1.0", "sleep")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.read()["run"]["state"], "starting")
        answer = self.reload("1.2.0", "nothing")  # a stub: the capsule is pooled
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotIn("run", self.read())
        self.assertEqual(self.service.invoke("x", capsule="loop").status, 200)
        answer = self.reload("1.3.0", "count")
        self.assertEqual(answer.status, 200, answer.body)
        self.wait_for("ready")

    def test_a_reload_that_fails_leaves_the_loop_running(self):
        self.start()
        self.wait_for("ready")
        self.assertEqual(self.reload("not a version", "sleep").status, 422)
        self.assertEqual(self.read()["run"]["state"], "ready")
        fuel = self.service.metric('bulkhead_fuel_used_total{capsule="loop"}')
        service.wait_until(
            lambda: self.service.metric('bulkhead_fuel_used_total{capsule="loop"}') > fuel)

    def test_an_unload_ends_it(self):
        self.start()
        self.wait_for("ready")
        answer = self.service.request("POST", "/v1/capsules/loop/unload")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.read()["state"], "unloaded")
        self.assertEqual(self.service.invoke("x", capsule="loop").status, 404)
        self.assertEqual(self.service.request("POST", "/v1/capsules/loop/reload").status, 200)
        self.wait_for("ready")

    def test_a_run_that_ends_is_started_again_after_a_while(self):
        self.start()
        self.assertEqual(self.reload("2.0.0", "waits-once").status, 200)
        self.wait_for("waiting")
        self.assertEqual(self.read()["run"]["failure"], "returned")
        service.wait_until(lambda: self.read()["run"]["restarts"] == 1)
        self.assertEqual(
            self.service.metric('bulkhead_run_loop_restarts_total{capsule="loop"}'), 1)

    def test_the_daemon_ends_cleanly_while_loops_wait(self):
        self.start()
        self.assertEqual(self.reload("2.0.0", "sleep").status, 200)
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.process.wait(service.WAIT_S), 0, self.service.read_log())


if __name__ == "__main__":
    unittest.main()
