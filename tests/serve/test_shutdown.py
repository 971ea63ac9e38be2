#!/usr/bin/env python3
"""How a service starts, refuses to start, and ends."""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service  # noqa: E402


class Life(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.capsules = directory.name

    def start(self, *arguments, **options):
        service.write_capsule(self.capsules, "guest")
        started = service.Service(self.capsules, *arguments, **options)
        self.addCleanup(started.__exit__)
        return started

    def refuse(self, *arguments):
        """The error text of a service that does not start."""
        done = subprocess.run([service.TOOL, "serve", *arguments, "--no-cache", "--state",
                               os.path.join(self.capsules, "state")],
                              capture_output=True, text=True, timeout=service.WAIT_S)
        self.assertNotEqual(done.returncode, 0)
        self.assertGreater(done.returncode, 0)
        return done.stderr


class Starting(Life):
    def test_addresses_beyond_this_machine_are_refused(self):
        service.write_capsule(self.capsules, "guest")
        for address in ("0.0.0.0:0", "[::]:0", "10.0.0.1:80", "example.org:80"):
            self.assertIn("loopback", self.refuse(self.capsules, "--listen", address))

    def test_a_directory_without_capsules_is_refused(self):
        self.assertIn("Capsule.toml", self.refuse(self.capsules, "--listen", "127.0.0.1:0"))

    def test_a_directory_that_is_not_there_is_refused(self):
        self.assertIn("no such", self.refuse(self.capsules + "/nope", "--listen", "127.0.0.1:0"))

    def test_capsules_that_all_fail_are_refused_with_the_first_reason(self):
        service.write_capsule(self.capsules, "bad", manifest="[package\n")
        text = self.refuse(self.capsules, "--listen", "127.0.0.1:0")
        self.assertIn("bad/Capsule.toml:1", text)

    def test_a_port_in_use_is_refused(self):
        started = self.start()
        text = self.refuse(self.capsules, "--listen", f"127.0.0.1:{started.port}")
        self.assertIn("in use", text)

    def test_a_capsule_itself_can_be_served(self):
        path = service.write_capsule(self.capsules, "guest")
        with service.Service(path) as started:
            self.assertEqual(started.invoke("echo", b"x").json()["data"], "x")

    def test_ipv6_loopback_is_served(self):
        started = self.start(listen="[::1]:0")
        answer = started.get("/healthz")
        self.assertEqual((started.host, answer.status), ("::1", 200))


class Ending(Life):
    def open_call(self, started, action, timeout_ms):
        """A socket on which an invocation runs."""
        stream = started.open_socket()
        self.addCleanup(stream.close)
        stream.sendall(f"POST /v1/capsules/guest/actions/{action} HTTP/1.1\r\nHost: localhost\r\n"
                       f"Bulkhead-Timeout-Ms: {timeout_ms}\r\nContent-Length: 0\r\n\r\n".encode())
        return stream

    def wait_for_leases(self, started, count):
        service.wait_until(
            lambda: started.metric('bulkhead_pool_leased{capsule="guest"') == count)

    def end(self, started, *signals):
        for number in signals:
            started.process.send_signal(number)
        self.assertEqual(started.process.wait(service.WAIT_S), 0, started.read_log())

    def test_an_idle_service_ends_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as capsules:
                service.write_capsule(capsules, "guest")
                with service.Service(capsules, "--drain-ms", "600000") as started:
                    idle = started.open_socket()
                    self.addCleanup(idle.close)
                    self.assertEqual(started.get("/healthz").status, 200)
                    self.end(started, number)
                    self.assertEqual(idle.recv(1), b"")

    def test_running_requests_are_finished(self):
        started = self.start("--drain-ms", "600000")
        streams = [self.open_call(started, "rest", 60000) for _ in range(4)]
        self.wait_for_leases(started, 4)
        self.end(started, signal.SIGTERM)
        for stream in streams:
            text = service.read_until_closed(stream)
            self.assertIn(b'"data":"rested"', text)
            self.assertIn(b"Connection: close", text)

    def test_guests_that_wait_for_ever_are_cancelled_when_the_drain_is_over(self):
        started = self.start("--drain-ms", "100")
        streams = [self.open_call(started, "sleep", 600000) for _ in range(3)]
        streams.append(self.open_call(started, "loop", 600000))
        self.wait_for_leases(started, 4)
        self.end(started, signal.SIGTERM)
        for stream in streams:
            text = service.read_until_closed(stream)
            self.assertRegex(text, rb"^HTTP/1.1 503 ")
            self.assertIn(b'"outcome":"cancelled"', text)

    def test_a_second_signal_cancels_at_once(self):
        started = self.start("--drain-ms", "600000")
        stream = self.open_call(started, "sleep", 600000)
        self.wait_for_leases(started, 1)
        self.end(started, signal.SIGTERM, signal.SIGINT)
        self.assertIn(b'"outcome":"cancelled"', service.read_until_closed(stream))

    def test_while_it_drains_open_connections_hear_so(self):
        started = self.start("--drain-ms", "600000", workers=1)
        stream = self.open_call(started, "sleep", 600000)
        self.wait_for_leases(started, 1)
        half = started.open_socket()  # a request begun before the signal and ended after it
        self.addCleanup(half.close)
        half.sendall(b"POST /v1/capsules/guest/actions/echo HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 1\r\n\r\n")
        health = started.open_socket()
        self.addCleanup(health.close)
        health.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
        self.assertEqual(started.get("/healthz").status, 200)  # a later turn: both were read
        started.process.send_signal(signal.SIGTERM)
        service.wait_until(lambda: "shutting down" in started.read_log())
        service.wait_until(lambda: not self.accepts(started))
        half.sendall(b"x")
        text = service.read_until_closed(half)
        self.assertRegex(text, rb"^HTTP/1.1 503 ")
        self.assertIn(b'"draining"', text)
        self.assertIn(b"Retry-After", text)
        self.end(started, signal.SIGTERM)
        self.assertIn(b'"outcome":"cancelled"', service.read_until_closed(stream))

    @staticmethod
    def accepts(started):
        try:
            started.open_socket().close()
        except OSError:
            return False
        return True

    def test_a_client_that_does_not_read_does_not_hold_up_the_end(self):
        started = self.start("--drain-ms", "100")
        payload = b"x" * service.PAYLOAD_BYTES_MAX
        stream = started.open_socket()
        self.addCleanup(stream.close)
        head = (f"POST /v1/capsules/guest/actions/echo HTTP/1.1\r\nHost: localhost\r\n"
                f"Accept: application/octet-stream\r\nContent-Length: {len(payload)}\r\n\r\n")
        stream.sendall(head.encode() + payload)
        service.wait_until(lambda: started.metric('bulkhead_invocations_total{capsule="guest"') > 0)
        self.end(started, signal.SIGTERM)

    def test_a_request_that_is_never_finished_does_not_hold_up_the_end(self):
        started = self.start("--drain-ms", "100")
        stream = started.open_socket()
        self.addCleanup(stream.close)
        stream.sendall(b"POST /v1/capsules/guest/actions/echo HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: 100\r\n\r\nhalf")
        self.assertEqual(started.get("/healthz").status, 200)
        self.end(started, signal.SIGTERM)

    def test_load_during_the_signal_sees_answers_or_closed_connections_only(self):
        started = self.start("--drain-ms", "600000")
        failures, answers = [], []

        def load():
            while True:
                try:
                    answer = started.invoke("echo", b"x")
                except OSError:
                    return  # refused or closed: the service ends
                except Exception as error:  # closed within an answer
                    if type(error).__name__ not in ("RemoteDisconnected", "BadStatusLine"):
                        failures.append(error)
                    return
                (answers if answer.status in (200, 503) else failures).append(answer.status)

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        service.wait_until(lambda: len(answers) > 50 or failures)
        self.end(started, signal.SIGTERM)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
