#!/usr/bin/env -S python3 -B
"""bulkhead serve: what it prints works when pasted, and signals end it."""
import glob
import os
import re
import resource
import signal
import subprocess
import unittest

from tool import BULKHEAD, EXAMPLES, HOST, OK, USAGE, ToolTest

MANIFEST = """[package]
name = "mine"
version = "0.1.0"

[[component]]
file = "guest.wasm"
"""


class Serve(ToolTest):
    def serve(self, *arguments):
        """Start it, and give back the process with the lines it printed when it listened."""
        process = subprocess.Popen([BULKHEAD, "serve", *map(str, arguments), "--listen",
                                    "127.0.0.1:0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment,
                                   cwd=self.directory)

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.addCleanup(end)
        head = process.stdout.readline().decode()
        found = re.fullmatch(r"serving (\d+) capsules? on (http://127\.0\.0\.1:\d+); try:\n", head)
        self.assertIsNotNone(found, head or process.stderr.read().decode())
        return process, int(found[1])

    def run_line(self, process):
        line = process.stdout.readline().decode()
        self.assertRegex(line, r"\A  curl ")
        return subprocess.run(["sh", "-c", line], capture_output=True, timeout=60,
                              check=True).stdout

    def test_printed_requests_of_the_examples_work(self):
        process, count = self.serve(EXAMPLES)
        self.assertEqual(count, len(glob.glob(os.path.join(EXAMPLES, "*", "Capsule.toml"))))
        answers = [self.run_line(process) for _ in range(3)]
        self.assertIn(b"hello", answers[0])
        self.assertIn(b"[email]", answers[1])
        self.assertIn(b"visits", answers[2])
        for answer in answers:
            self.assertIn(b'"outcome":"returned"', answer.replace(b" ", b""))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), OK)

    def test_printed_request_of_another_capsule_is_answered(self):
        process, count = self.serve(self.capsule(MANIFEST, "mine"))
        self.assertEqual(count, 1)
        self.assertIn(b'"outcome"', self.run_line(process))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), OK)

    def test_capsule_that_does_not_load_is_named_and_the_others_served(self):
        both = self.directory / "both"
        both.mkdir()
        self.capsule(MANIFEST, "mine").rename(both / "mine")
        (both / "broken").mkdir()
        (both / "broken/Capsule.toml").write_text("[package\n")
        process, count = self.serve(both)
        self.assertEqual(count, 1)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=60)[1].decode()
        self.assertRegex(errors, r"broken is not served: .*broken/Capsule\.toml:1:9: ")

    def test_the_limit_of_open_files_is_what_the_system_allows(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
        process, _ = self.serve(self.capsule(MANIFEST, "mine"))
        self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE), (hard, hard))

    def test_wrong_addresses_and_directories_are_refused_in_one_line(self):
        (self.directory / "empty").mkdir()
        capsule = self.capsule(MANIFEST, "mine")
        cases = [([capsule, "--listen", "0.0.0.0:0"], USAGE, "loopback"),
                 ([capsule, "--listen", "nonsense"], USAGE, "nonsense"),
                 (["nowhere"], HOST, "nowhere"),
                 (["empty"], HOST, "empty")]
        for arguments, exit_status, text in cases:
            with self.subTest(arguments=arguments):
                result = self.run_tool("serve", *arguments)
                self.assert_one_line_error(result, exit_status, text)


if __name__ == "__main__":
    unittest.main()
