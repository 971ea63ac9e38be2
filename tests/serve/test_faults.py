#!/usr/bin/env python3
"""What a hostile guest does is data for its caller, and the next request is served."""
import os
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service  # noqa: E402


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        service.write_capsule(cls.directory.name, "guest")
        cls.service = service.Service(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()
        cls.directory.cleanup()

    def expect(self, action, status, outcome, **headers):
        """The failed answer's body; the metric counts it and the next request succeeds."""
        line = (f'bulkhead_invocations_total{{capsule="guest",action="{action}",'
                f'outcome="{outcome}"}}')
        before = self.service.metric(line)
        for accept in ("application/json", "application/octet-stream"):
            answer = self.service.invoke(action, b"payload", Accept=accept, **headers)
            body = answer.json()
            self.assertEqual((answer.status, body["outcome"], body["error"]["code"]),
                             (status, outcome, outcome), body)
            self.assertEqual(answer.headers["Bulkhead-Outcome"], outcome)
            self.assertNotEqual(body["error"]["message"], "")
            self.assertEqual(self.service.invoke("echo", b"next").json()["data"], "next")
        self.assertEqual(self.service.metric(line), before + 2)
        return body

    def test_a_trap_has_a_message_and_a_backtrace(self):
        body = self.expect("trap", 502, "trapped")
        self.assertIn("capsule_hook", body["error"]["backtrace"])

    def test_an_endless_loop_ends_at_the_deadline(self):
        before = time.monotonic()
        self.expect("loop", 504, "deadline", Bulkhead_Timeout_Ms="100")
        self.assertGreaterEqual(time.monotonic() - before, 0.2)

    def test_an_endless_wait_ends_at_the_deadline(self):
        self.expect("sleep", 504, "deadline", Bulkhead_Timeout_Ms="100")

    def test_endless_recursion_traps(self):
        self.expect("recurse", 502, "trapped")

    def test_taking_all_memory_ends_at_the_limit(self):
        self.expect("memory", 502, "memory-limit")

    def test_a_pointer_outside_memory_traps(self):
        self.expect("pointer", 502, "trapped")

    def test_data_that_is_not_utf8_traps(self):
        self.expect("bytes", 502, "trapped")

    def test_fuel_runs_out(self):
        self.expect("loop", 502, "out-of-fuel", Bulkhead_Timeout_Ms="600000")

    def test_a_busy_guest_does_not_hold_up_others(self):
        with self.service.open_socket() as stream:
            stream.sendall(b"POST /v1/capsules/guest/actions/loop HTTP/1.1\r\nHost: localhost\r\n"
                           b"Bulkhead-Timeout-Ms: 300\r\nConnection: close\r\n"
                           b"Content-Length: 0\r\n\r\n")
            for _ in range(20):
                answer = self.service.invoke("echo", b"x")
                self.assertEqual(answer.status, 200)
            self.assertIn(b" 504 ", service.read_until_closed(stream)[:20])


if __name__ == "__main__":
    unittest.main()
