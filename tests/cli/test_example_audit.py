#!/usr/bin/env -S python3 -B
"""examples/audit in a real daemon: the run loop's files are read from its state directory."""
import json
import os
import re
import signal
import subprocess
import time
import unittest
import urllib.request

from tool import BULKHEAD, EXAMPLES, OK, ToolTest

EXAMPLE = EXAMPLES / "audit"
DEADLINE_S = 60


class Audit(ToolTest):
    def setUp(self):
        super().setUp()
        self.state = self.directory / "state"

    def serve(self, *options):
        process = subprocess.Popen(
            [BULKHEAD, "serve", EXAMPLE, "--listen", "127.0.0.1:0", "--state", self.state, *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment,
            cwd=self.directory)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        address = re.search(r"http://([0-9.]+:\d+)", process.stdout.readline().decode())[1]
        self.wait_until(lambda: self.loop(address)["state"] == "ready")
        return process, address

    def publish(self, address, principal, payload, topic="alerts.disk"):
        result = self.run_tool("publish", topic, "-", "--principal", principal, "--listen",
                               address, input=payload.encode())
        self.assertEqual(result.returncode, OK, result.stderr)

    def file_of(self, principal):
        return self.state / "home" / principal / "audit" / "audit.jsonl"

    def records(self, principal, count):
        """The lines, once there are so many; each is JSON of its own."""
        path = self.file_of(principal)
        self.wait_until(lambda: path.exists() and path.read_text().count("\n") >= count)
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_every_principal_has_a_record_of_its_own(self):
        _, address = self.serve()
        self.publish(address, "ada", '{"n": 1}')
        self.publish(address, "bob", '"two\\nlines"')
        self.publish(address, "ada", '[1,\n 2]', "alerts.net")
        self.publish(address, "ada", '0', "other.topic")
        ada, bob = self.records("ada", 2), self.records("bob", 1)
        self.assertEqual([(r["topic"], r["principal"], r["payload"]) for r in ada],
                         [("alerts.disk", "ada", {"n": 1}), ("alerts.net", "ada", [1, 2])])
        self.assertEqual([(r["topic"], r["principal"], r["payload"]) for r in bob],
                         [("alerts.disk", "bob", "two\nlines")])
        self.assertEqual({r["mark"] for r in ada + bob}, {"verified"})

    def test_a_daemon_that_starts_again_appends(self):
        process, address = self.serve()
        self.publish(address, "ada", '1')
        self.records("ada", 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=DEADLINE_S), 0)
        _, address = self.serve()
        self.publish(address, "ada", '2')
        self.assertEqual([r["payload"] for r in self.records("ada", 2)], [1, 2])

    def test_a_full_home_ends_the_record_of_its_principal_only(self):
        profiles = self.directory / "profiles.toml"
        profiles.write_text("[principal.ada]\nstorage_mib = 1\n")
        _, address = self.serve("--profiles", profiles)
        # The second does not fit, in the middle of its second write.
        payloads = [json.dumps("x" * 20_000), json.dumps("x" * 1_040_000), "3"]
        for count, payload in enumerate(payloads, start=1):
            self.publish(address, "ada", payload)
            self.publish(address, "bob", str(count))
            bob = self.records("bob", count)
        self.assertEqual([r["payload"] for r in bob], [1, 2, 3])
        self.assertEqual([json.dumps(r["payload"]) for r in self.records("ada", 2)],
                         [payloads[0], payloads[2]])
        self.assertEqual(self.loop(address)["restarts"], 0)

    def test_what_cannot_be_written_ends_the_loop_and_it_comes_back(self):
        _, address = self.serve()
        self.publish(address, "ada", '1')
        self.records("ada", 1)
        os.rename(self.file_of("ada"), self.file_of("ada").with_suffix(".old"))
        os.mkdir(self.file_of("ada"))
        self.publish(address, "ada", '2')
        self.wait_until(lambda: self.loop(address)["restarts"] > 0)
        os.rmdir(self.file_of("ada"))
        self.wait_until(lambda: self.loop(address)["state"] == "ready")
        self.publish(address, "ada", '3')
        self.assertEqual([r["payload"] for r in self.records("ada", 1)], [3])

    def loop(self, address):
        with urllib.request.urlopen(f"http://{address}/v1/capsules/audit", timeout=10) as answer:
            return json.load(answer)["run"]

    def wait_until(self, is_so):
        until = time.monotonic() + DEADLINE_S
        while not is_so():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
