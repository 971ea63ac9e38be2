#!/usr/bin/env python3
"""Reload and unload: nothing is dropped, and every end of a change is told."""
import http.client
import os
import shutil
import signal
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service  # noqa: E402

LONG_MS = "600000"  # a drain that only its end ends
MANIFEST = """[package]
name = "{name}"
version = "{version}"

[[component]]
file = "guest.wasm"

[capsule]
live_max = {live_max}

[env.version]
type = "text"
default = "{version}"
"""


class WithCapsule(unittest.TestCase):
    live_max = 2

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.capsules = directory.name
        self.path = service.write_capsule(self.capsules, "guest", manifest=self.manifest("1.0.0"))

    def manifest(self, version, name="guest"):
        return MANIFEST.format(name=name, version=version, live_max=self.live_max)

    def start(self, *arguments, **options):
        self.service = service.Service(self.capsules, *arguments, **options)
        self.addCleanup(self.service.__exit__)
        return self.service

    def write(self, text, file="Capsule.toml"):
        """Replaced whole, as an installer would."""
        unfinished = os.path.join(self.path, "unfinished")
        with open(unfinished, "wb") as output:
            output.write(text if isinstance(text, bytes) else text.encode())
        os.rename(unfinished, os.path.join(self.path, file))

    def write_version(self, version):
        self.write(self.manifest(version))

    def change(self, what="reload", capsule="guest", **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.request("POST", f"/v1/capsules/{capsule}/{what}", None, fields)

    def in_background(self, *arguments, **headers):
        """A change whose answer comes later: join() it, then it is in `answers`."""
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(self.change(*arguments, **headers)))
        thread.answers = answers
        thread.start()
        return thread

    def answer_of(self, thread):
        thread.join(service.WAIT_S)
        self.assertEqual(len(thread.answers), 1)
        return thread.answers[0]

    def call(self, action):
        """A socket on which an invocation runs or waits."""
        stream = self.service.open_socket()
        self.addCleanup(stream.close)
        stream.sendall(f"POST /v1/capsules/guest/actions/{action} HTTP/1.1\r\nHost: localhost\r\n"
                       f"Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return stream

    def pool(self, name):
        return self.service.metric(f'bulkhead_pool_{name}{{capsule="guest"')

    def occupy(self, count, action="sleep"):
        streams = [self.call(action) for _ in range(count)]
        service.wait_until(lambda: self.pool("leased") == count)
        return streams

    def version(self):
        answer = self.service.invoke("version")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["data"]

    def wait_until_offered(self, version):
        service.wait_until(
            lambda: self.service.get("/v1/capsules/guest").json().get("version") == version)

    def read(self, stream):
        """Status and body of the answer on it."""
        response = http.client.HTTPResponse(stream)
        response.begin()
        return service.Answer(response)


class Load(threading.Thread):
    """One client on one connection that asks for the version until it is told to stop."""

    def __init__(self, started, principal):
        super().__init__()
        self.service, self.principal = started, principal
        self.versions, self.failure, self.must_stop = [], None, False

    def run(self):
        with self.service.connect() as connection:
            while not self.must_stop and self.failure is None:
                answer = service.ask(connection, "POST", "/v1/capsules/guest/actions/version", b"",
                                     {"Bulkhead-Principal": self.principal})
                if answer.status != 200:
                    self.failure = (answer.status, answer.body)
                elif not self.versions or self.versions[-1] != answer.json()["data"]:
                    self.versions.append(answer.json()["data"])


class Reloading(WithCapsule):
    def test_a_reload_serves_the_new_version_and_tells_both(self):
        self.start()
        self.assertEqual(self.version(), "1.0.0")
        self.write_version("1.1.0")
        self.assertEqual(self.version(), "1.0.0")
        answer = self.change()
        body = answer.json()
        self.assertEqual((answer.status, body["name"], body["state"], body["old_version"],
                          body["version"], body["cancelled"]),
                         (200, "guest", "ready", "1.0.0", "1.1.0", 0))
        self.assertGreater(body["load_ns"], 0)
        self.assertGreaterEqual(body["drain_ns"], 0)
        self.assertEqual(self.version(), "1.1.0")
        entry = self.service.get("/v1/capsules/guest").json()
        self.assertEqual((entry["version"], entry["reloads"]), ("1.1.0", 1))
        self.assertEqual(self.service.metric(
            'bulkhead_reloads_total{capsule="guest",result="done"}'), 1)

    def test_reloads_under_load_refuse_nobody_and_no_client_goes_back_in_time(self):
        self.start()
        clients = [Load(self.service, f"client-{number}") for number in range(8)]
        for client in clients:
            client.start()
        versions = ["1.0.0"]
        try:
            for number in range(1, 8):
                service.wait_until(lambda: any(client.failure for client in clients) or all(
                    client.versions[-1:] == versions[-1:] for client in clients))
                versions.append(f"1.{number}.0")
                self.write_version(versions[-1])
                answer = self.change()
                self.assertEqual((answer.status, answer.json()["version"]), (200, versions[-1]))
                self.assertEqual(answer.json()["cancelled"], 0)
            service.wait_until(lambda: any(client.failure for client in clients) or all(
                client.versions[-1:] == versions[-1:] for client in clients))
        finally:
            for client in clients:
                client.must_stop = True
            for client in clients:
                client.join()
        for client in clients:
            self.assertIsNone(client.failure)
            self.assertEqual(client.versions, versions)  # each once, in order

    def test_waiting_callers_are_served_by_the_new_version_while_the_old_one_still_runs(self):
        self.start()
        running = self.occupy(self.live_max)
        waiting = [self.call("version") for _ in range(5)]
        service.wait_until(lambda: self.pool("waiting") == 5)
        self.write_version("2.0.0")
        reload = self.in_background(Bulkhead_Drain_Ms=LONG_MS)
        for stream in waiting:
            answer = self.read(stream)
            self.assertEqual((answer.status, answer.json()["data"]), (200, "2.0.0"))
        self.assertEqual(reload.answers, [])  # it waits for the two that sleep
        for stream in running:
            stream.close()
        self.assertEqual(self.answer_of(reload).json()["cancelled"], 0)

    def test_a_lease_that_ends_within_the_drain_is_answered(self):
        self.start()
        [stream] = self.occupy(1, "rest")
        answer = self.change(Bulkhead_Drain_Ms=LONG_MS)
        self.assertEqual((answer.status, answer.json()["cancelled"]), (200, 0))
        self.assertEqual(self.read(stream).json()["data"], "rested")

    def test_leases_that_outlast_the_drain_are_cancelled_and_counted(self):
        self.live_max = 4
        self.write_version("1.0.0")
        self.start()
        streams = self.occupy(3) + [self.call("loop")]
        service.wait_until(lambda: self.pool("leased") == 4)
        answer = self.change(Bulkhead_Drain_Ms="50")
        self.assertEqual((answer.status, answer.json()["cancelled"]), (200, 4))
        for stream in streams:
            cancelled = self.read(stream)
            self.assertEqual((cancelled.status, cancelled.json()["outcome"]), (503, "cancelled"))
            self.assertIsNotNone(cancelled.headers["Retry-After"])
        self.assertEqual(self.version(), "1.0.0")

    def test_a_drain_of_nothing_cancels_at_once(self):
        self.start("--drain-ms", LONG_MS)
        self.occupy(2)
        self.assertEqual(self.change(Bulkhead_Drain_Ms="0").json()["cancelled"], 2)

    def test_the_services_drain_time_is_the_default(self):
        self.start("--drain-ms", "50")
        self.occupy(1)
        self.assertEqual(self.change().json()["cancelled"], 1)

    def test_a_version_that_does_not_load_leaves_the_old_one_serving(self):
        self.start()
        self.write("[package]\nname = 7\n")
        answer = self.change()
        body = answer.json()
        self.assertEqual((answer.status, body["error"]["code"], body["error"]["status"]),
                         (422, "load-failed", "E_MANIFEST"))
        self.assertRegex(body["error"]["message"], r"Capsule\.toml:2:\d+: ")
        self.assertEqual((body["state"], body["version"]), ("ready", "1.0.0"))
        self.write_version("2.0.0")
        whole = os.path.join(self.path, "guest.wasm")
        with open(whole, "rb") as file:
            wasm = file.read()
        self.write(b"\0asm\1\0\0\0\xff\xff", "guest.wasm")
        answer = self.change()
        self.assertEqual((answer.status, answer.json()["error"]["status"]), (422, "E_MODULE"))
        self.assertEqual(self.version(), "1.0.0")
        self.write(wasm, "guest.wasm")
        self.assertEqual(self.change().status, 200)
        self.assertEqual(self.version(), "2.0.0")
        self.assertEqual(self.service.metric(
            'bulkhead_reloads_total{capsule="guest",result="failed"}'), 2)

    def test_a_manifest_with_another_name_is_refused(self):
        self.start()
        self.write(self.manifest("2.0.0", name="other"))
        answer = self.change()
        self.assertEqual((answer.status, answer.json()["error"]["code"]), (422, "load-failed"))
        self.assertRegex(answer.json()["error"]["message"], 'expected the name "guest", found "other"')
        self.assertEqual(self.version(), "1.0.0")

    def test_a_capsule_that_failed_at_the_start_is_loaded(self):
        broken = service.write_capsule(self.capsules, "broken", manifest="[package\n")
        self.start()
        self.assertEqual(self.service.invoke("echo", capsule="broken").status, 503)
        answer = self.change(capsule="broken")
        self.assertEqual((answer.status, answer.json()["state"], answer.json()["version"]),
                         (422, "failed", None))
        shutil.rmtree(broken)
        service.write_capsule(self.capsules, "broken")
        answer = self.change(capsule="broken")
        self.assertEqual((answer.status, answer.json()["old_version"], answer.json()["version"]),
                         (200, None, "1.2.3"))
        self.assertEqual(self.service.invoke("echo", b"x", capsule="broken").json()["data"], "x")

    def test_a_second_change_of_the_same_capsule_is_busy_and_of_another_is_not(self):
        service.write_capsule(self.capsules, "second")
        self.start()
        [stream] = self.occupy(1)
        self.write_version("2.0.0")
        reload = self.in_background(Bulkhead_Drain_Ms=LONG_MS)
        self.wait_until_offered("2.0.0")
        for what in ("reload", "unload"):
            answer = self.change(what)
            self.assertEqual((answer.status, answer.error_code()), (409, "busy"))
        self.assertEqual(self.change(capsule="second").status, 200)
        stream.close()
        self.assertEqual(self.answer_of(reload).status, 200)
        self.assertEqual(self.change().status, 200)

    def test_a_reload_goes_on_when_its_client_leaves(self):
        self.start()
        [running] = self.occupy(1)
        self.write_version("2.0.0")
        with self.service.open_socket() as stream:
            stream.sendall(f"POST /v1/capsules/guest/reload HTTP/1.1\r\nHost: localhost\r\n"
                           f"Bulkhead-Drain-Ms: {LONG_MS}\r\nContent-Length: 0\r\n\r\n".encode())
            self.wait_until_offered("2.0.0")
        self.assertEqual(self.version(), "2.0.0")
        self.assertEqual(self.change().error_code(), "busy")
        running.close()
        service.wait_until(lambda: self.change().status == 200)
        self.assertEqual(self.service.metric("bulkhead_http_disconnects_total"), 1)


class Unloading(WithCapsule):
    def test_an_unloaded_capsule_is_listed_and_says_how_to_load_it_again(self):
        self.start()
        answer = self.change("unload")
        self.assertEqual((answer.status, answer.json()["state"], answer.json()["old_version"],
                          answer.json()["version"]), (200, "unloaded", "1.0.0", None))
        answer = self.service.invoke("echo", b"x" * 100000)
        self.assertEqual((answer.status, answer.error_code()), (404, "not-found"))
        self.assertIn("is unloaded; to load it again: bulkhead reload guest",
                      answer.json()["error"]["message"])
        for entry in (self.service.get("/v1/capsules").json()["capsules"][0],
                      self.service.get("/v1/capsules/guest").json()):
            self.assertEqual((entry["name"], entry["state"]), ("guest", "unloaded"))
        self.assertEqual(self.service.metric('bulkhead_capsules{state="unloaded"}'), 1)
        self.assertEqual(self.change("unload").status, 200)  # again changes nothing
        answer = self.change()
        self.assertEqual((answer.status, answer.json()["old_version"]), (200, None))
        self.assertEqual(self.version(), "1.0.0")

    def test_waiting_callers_are_refused_at_once_and_running_ones_finish(self):
        self.start()
        running = self.occupy(self.live_max)
        waiting = [self.call("echo") for _ in range(3)]
        service.wait_until(lambda: self.pool("waiting") == 3)
        unload = self.in_background("unload", Bulkhead_Drain_Ms=LONG_MS)
        for stream in waiting:
            answer = self.read(stream)
            self.assertEqual((answer.status, answer.error_code()), (503, "closed"))
        self.assertEqual(self.service.invoke("echo").status, 404)
        self.assertEqual(unload.answers, [])
        for stream in running:
            stream.close()
        self.assertEqual(self.answer_of(unload).json()["cancelled"], 0)

    def test_leases_that_outlast_the_drain_are_cancelled(self):
        self.start()
        streams = self.occupy(2)
        self.assertEqual(self.change("unload", Bulkhead_Drain_Ms="50").json()["cancelled"], 2)
        for stream in streams:
            self.assertEqual(self.read(stream).json()["outcome"], "cancelled")

    def test_a_capsule_that_failed_can_be_unloaded(self):
        service.write_capsule(self.capsules, "broken", manifest="[package\n")
        self.start()
        self.assertEqual(self.change("unload", "broken").json()["old_version"], None)
        self.assertEqual(self.service.invoke("echo", capsule="broken").status, 404)
        self.assertEqual(self.change("reload", "broken").json()["state"], "failed")


class Refusing(WithCapsule):
    def test_unknown_capsules_are_not_found(self):
        self.start()
        for what in ("reload", "unload"):
            answer = self.change(what, "nope")
            self.assertEqual((answer.status, answer.error_code()), (404, "not-found"))

    def test_changes_are_posted(self):
        self.start()
        for what in ("reload", "unload"):
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                answer = self.service.request(method, f"/v1/capsules/guest/{what}")
                self.assertEqual((method, answer.status, answer.headers["Allow"]),
                                 (method, 405, "POST"))
        self.assertEqual(self.version(), "1.0.0")

    def test_web_pages_of_elsewhere_change_nothing(self):
        self.start()
        for field in ({"Host": "example.org"}, {"Origin": "http://example.org"}):
            answer = self.service.request("POST", "/v1/capsules/guest/unload", None, field)
            self.assertEqual((answer.status, answer.error_code()), (403, "not-loopback"))
        self.assertEqual(self.version(), "1.0.0")

    def test_bad_drain_times_are_refused(self):
        self.start()
        for drain in ("-1", "x", "", "3600001", "1.5"):
            answer = self.change(Bulkhead_Drain_Ms=drain)
            self.assertEqual((drain, answer.status), (drain, 400))
        self.assertEqual(self.change(Bulkhead_Drain_Ms="3600000").status, 200)

    def test_a_body_is_ignored(self):
        self.start()
        answer = self.service.request("POST", "/v1/capsules/guest/reload", b"x" * 100000)
        self.assertEqual(answer.status, 200)


class Ending(WithCapsule):
    def end(self):
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.process.wait(service.WAIT_S), 0, self.service.read_log())

    def test_a_shutdown_ends_a_reload_that_drains(self):
        self.start("--drain-ms", "100")
        [running] = self.occupy(1)
        self.write_version("2.0.0")
        reload = self.in_background(Bulkhead_Drain_Ms=LONG_MS)
        self.wait_until_offered("2.0.0")
        self.end()
        self.assertEqual(self.read(running).json()["outcome"], "cancelled")
        self.assertEqual(self.answer_of(reload).status, 200)

    def test_a_shutdown_ends_a_reload_whose_client_left(self):
        self.start("--drain-ms", "100")
        self.occupy(1)
        self.write_version("2.0.0")
        with self.service.open_socket() as stream:
            stream.sendall(f"POST /v1/capsules/guest/reload HTTP/1.1\r\nHost: localhost\r\n"
                           f"Bulkhead-Drain-Ms: {LONG_MS}\r\nContent-Length: 0\r\n\r\n".encode())
            self.wait_until_offered("2.0.0")
        self.end()

    def test_a_reload_asked_for_during_the_shutdown_hears_so(self):
        self.start("--drain-ms", LONG_MS, workers=1)
        self.occupy(1)
        half = self.service.open_socket()  # begun before the signal, ended after it
        self.addCleanup(half.close)
        half.sendall(b"POST /v1/capsules/guest/reload HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 1\r\n\r\n")
        self.assertEqual(self.service.get("/healthz").status, 200)  # a later turn: it was read
        self.service.process.send_signal(signal.SIGTERM)
        service.wait_until(lambda: not self.accepts())
        half.sendall(b"x")
        answer = self.read(half)
        self.assertEqual((answer.status, answer.error_code()), (503, "draining"))
        self.end()

    def accepts(self):
        try:
            self.service.open_socket().close()
        except OSError:
            return False
        return True

    def test_reloads_at_the_moment_of_the_shutdown_end_with_it(self):
        for _ in range(5):
            self.start("--drain-ms", "100")
            statuses = []

            def reload_again_and_again():
                while True:
                    try:
                        statuses.append(self.change().status)
                    except (OSError, http.client.HTTPException):
                        return  # refused or closed: the service ends

            threads = [threading.Thread(target=reload_again_and_again) for _ in range(3)]
            for thread in threads:
                thread.start()
            service.wait_until(lambda: len(statuses) > 5)
            self.end()
            for thread in threads:
                thread.join()
            self.assertLessEqual(set(statuses), {200, 409, 503})


if __name__ == "__main__":
    unittest.main()
