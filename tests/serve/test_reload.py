#!/usr/bin/env python3
"""Reload and unload of a running service: nothing is dropped, and everything ends."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import BUILD_DIR, Service, TOOL  # noqa: E402

GUESTS = pathlib.Path(BUILD_DIR) / "tests" / "guests"


def write_capsule(directory, version, guest="counter_state", name="guest", extra=""):
    directory.mkdir(exist_ok=True)
    shutil.copyfile(GUESTS / f"{guest}.wasm", directory / "new.wasm")
    os.replace(directory / "new.wasm", directory / "guest.wasm")
    manifest = directory / "Capsule.toml.new"
    manifest.write_text(f'[package]\nname = "{name}"\nversion = "{version}"\n'
                        f'[[component]]\nfile = "guest.wasm"\n{extra}')
    os.replace(manifest, directory / "Capsule.toml")


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-reload-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.capsule = self.root / "guest"
        write_capsule(self.capsule, "1.0.0")

    def serve(self, *arguments):
        return Service(str(self.root), *arguments)

    def post(self, service, verb, name="guest", headers=None):
        return service.request("POST", f"/v1/capsules/{name}/{verb}", headers=headers)

    def version(self, service):
        return service.get("/v1/capsules/guest").json().get("version")

    def begin(self, work):
        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def wait_until(self, condition):
        while not condition():
            pass

    def test_a_reload_publishes_the_new_version_and_says_what_became_of_the_old(self):
        with self.serve() as service:
            write_capsule(self.capsule, "2.0.0")
            answer = self.post(service, "reload")
            self.assertEqual(answer.status, 200)
            body = answer.json()
            self.assertEqual((body["version"], body["old_version"]), ("2.0.0", "1.0.0"))
            self.assertEqual((body["state"], body["cancelled"]), ("ready", 0))
            self.assertEqual(self.version(service), "2.0.0")
            self.assertEqual(service.invoke("x").status, 200)

    def test_a_reload_under_load_drops_no_request_and_versions_only_rise(self):
        reloads, callers = 12, 4
        seen, failures, done = [[] for _ in range(callers)], [], threading.Event()
        with self.serve() as service:
            def call(own):
                with service.connect() as connection:
                    while not done.is_set():
                        connection.request("POST", "/v1/capsules/guest/actions/x", b"")
                        answer = connection.getresponse()
                        body = answer.read()
                        if answer.status != 200:
                            failures.append((answer.status, body))
                        connection.request("GET", "/v1/capsules/guest")
                        own.append(json.loads(connection.getresponse().read())["version"])
            threads = [self.begin(lambda own=own: call(own)) for own in seen]
            for number in range(2, 2 + reloads):
                write_capsule(self.capsule, f"{number}.0.0")
                self.assertEqual(self.post(service, "reload").status, 200)
            done.set()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            for own in seen:
                numbers = [int(version.split(".")[0]) for version in own]
                self.assertEqual(numbers, sorted(numbers))
                self.assertTrue(numbers)

    def test_who_waits_for_the_old_version_is_served_by_the_new_one(self):
        write_capsule(self.capsule, "1.0.0", "sleep", extra="[capsule]\nlive_max = 1\n"
                      'reuse = "shared"\n')
        with self.serve() as service:
            answers = {}

            def sleep(key, ns):
                answers[key] = service.invoke("x", str(ns).encode())
            running = self.begin(lambda: sleep("running", 400_000_000))
            self.wait_until(lambda: service.metric('bulkhead_pool_leased{capsule="guest"}') == 1)
            waiting = self.begin(lambda: sleep("waiting", 1_000_000))
            self.wait_until(lambda: service.metric('bulkhead_pool_waiting{capsule="guest"}') == 1)
            write_capsule(self.capsule, "2.0.0", "sleep")
            self.assertEqual(self.post(service, "reload").json()["cancelled"], 0)
            running.join()
            waiting.join()
            self.assertEqual(answers["running"].status, 200)
            self.assertEqual(answers["waiting"].status, 200)

    def test_what_runs_past_the_drains_deadline_is_cancelled_and_counted(self):
        write_capsule(self.capsule, "1.0.0", "sleep_forever")
        with self.serve() as service:
            answers = []
            caller = self.begin(lambda: answers.append(service.invoke("x")))
            self.wait_until(lambda: service.metric('bulkhead_pool_leased{capsule="guest"}') == 1)
            write_capsule(self.capsule, "2.0.0")
            body = self.post(service, "reload", headers={"Bulkhead-Drain-Ms": "50"}).json()
            self.assertEqual(body["cancelled"], 1)
            caller.join()
            self.assertEqual((answers[0].status, answers[0].error_code()), (503, "cancelled"))
            self.assertEqual(service.invoke("x").status, 200)

    def test_a_version_that_does_not_load_changes_nothing_and_is_explained(self):
        with self.serve() as service:
            (self.capsule / "guest.wasm").write_bytes(b"\0asm\1\0\0\0 no module")
            answer = self.post(service, "reload")
            self.assertEqual(answer.status, 422)
            self.assertEqual(answer.error_code(), "load-failed")
            self.assertEqual((answer.json()["state"], answer.json()["version"]),
                             ("ready", "1.0.0"))
            self.assertEqual(service.invoke("x").status, 200)
            (self.capsule / "Capsule.toml").write_text("[package]\nname = 4\n")
            answer = self.post(service, "reload")
            self.assertIn("Capsule.toml:2:", answer.json()["error"]["message"])
            write_capsule(self.capsule, "2.0.0", name="renamed")
            answer = self.post(service, "reload")
            self.assertIn('expected the name "guest", found "renamed"',
                          answer.json()["error"]["message"])
            self.assertEqual(service.metric(
                'bulkhead_reloads_total{capsule="guest",result="failed"}'), 3)

    def test_a_capsule_that_failed_at_the_start_is_loaded_by_a_reload(self):
        write_capsule(self.root / "other", "1.0.0", name="other")
        (self.root / "other" / "guest.wasm").write_bytes(b"broken")
        with self.serve() as service:
            self.assertEqual(service.get("/v1/capsules/other").json()["state"], "failed")
            write_capsule(self.root / "other", "1.0.1", name="other")
            self.assertEqual(self.post(service, "reload", "other").json()["version"], "1.0.1")
            self.assertEqual(service.invoke("x", capsule="other").status, 200)

    def test_an_unloaded_capsule_is_not_found_and_says_how_to_load_it_again(self):
        with self.serve() as service:
            body = self.post(service, "unload").json()
            self.assertEqual((body["state"], body["old_version"]), ("unloaded", "1.0.0"))
            answer = service.invoke("x")
            self.assertEqual(answer.status, 404)
            self.assertIn("bulkhead reload guest", answer.json()["error"]["message"])
            self.assertEqual(service.get("/v1/capsules/guest").json()["state"], "unloaded")
            self.assertEqual(self.post(service, "unload").status, 200)
            self.assertEqual(self.post(service, "reload").status, 200)
            self.assertEqual(service.invoke("x").status, 200)

    def test_an_unload_answers_who_waits_at_once_and_lets_who_runs_finish(self):
        write_capsule(self.capsule, "1.0.0", "sleep", extra="[capsule]\nlive_max = 1\n")
        with self.serve() as service:
            answers, order = {}, []

            def sleep(key, ns):
                answers[key] = service.invoke("x", str(ns).encode())
                order.append(key)
            running = self.begin(lambda: sleep("running", 600_000_000))
            self.wait_until(lambda: service.metric('bulkhead_pool_leased{capsule="guest"}') == 1)
            waiting = self.begin(lambda: sleep("waiting", 1_000_000))
            self.wait_until(lambda: service.metric('bulkhead_pool_waiting{capsule="guest"}') == 1)
            self.assertEqual(self.post(service, "unload").json()["cancelled"], 0)
            running.join()
            waiting.join()
            self.assertEqual(order, ["waiting", "running"])
            self.assertEqual((answers["waiting"].status, answers["waiting"].error_code()),
                             (503, "closed"))
            self.assertEqual(answers["running"].status, 200)

    def test_a_second_change_while_one_drains_is_told_that_it_is_busy(self):
        write_capsule(self.capsule, "1.0.0", "sleep_forever")
        with self.serve() as service:
            self.begin(lambda: service.invoke("x"))
            self.wait_until(lambda: service.metric('bulkhead_pool_leased{capsule="guest"}') == 1)
            first = []
            changer = self.begin(lambda: first.append(
                self.post(service, "unload", headers={"Bulkhead-Drain-Ms": "1500"})))
            self.wait_until(
                lambda: service.get("/v1/capsules/guest").json()["state"] == "unloaded")
            answer = self.post(service, "reload")
            self.assertEqual((answer.status, answer.error_code()), (409, "busy"))
            changer.join()
            self.assertEqual(first[0].json()["cancelled"], 1)
            self.assertEqual(self.post(service, "reload").status, 200)

    def test_a_reload_goes_on_when_who_asked_for_it_is_gone(self):
        with self.serve() as service:
            write_capsule(self.capsule, "2.0.0")
            with service.open_socket() as stream:
                stream.sendall(b"POST /v1/capsules/guest/reload HTTP/1.1\r\n"
                               b"Host: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")
            self.wait_until(lambda: self.version(service) == "2.0.0")

    def test_the_service_ends_orderly_while_a_reload_runs(self):
        with self.serve() as service:
            write_capsule(self.capsule, "2.0.0")
            def change():
                with contextlib.suppress(ConnectionError):
                    self.post(service, "reload")
            changer = self.begin(change)
            service.process.terminate()
            self.assertEqual(service.process.wait(60), 0)
            changer.join()

    def test_wrong_requests_are_refused_by_name(self):
        with self.serve() as service:
            self.assertEqual(self.post(service, "reload", "nope").status, 404)
            self.assertEqual(service.get("/v1/capsules/guest/reload").status, 405)
            answer = self.post(service, "reload", headers={"Bulkhead-Drain-Ms": "soon"})
            self.assertEqual((answer.status, answer.error_code()), (400, "bad-request"))
            answer = service.request("POST", "/v1/capsules/guest/unload",
                                     headers={"Origin": "http://evil.example"})
            self.assertEqual((answer.status, answer.error_code()), (403, "not-loopback"))
            self.assertEqual(self.version(service), "1.0.0")

    def test_who_will_not_wait_is_refused_while_all_instances_are_in_use(self):
        write_capsule(self.capsule, "1.0.0", "sleep")
        with self.serve("--instance-pool-size", "1") as service:
            caller = self.begin(lambda: service.invoke("x", b"500000000"))
            self.wait_until(lambda: service.metric('bulkhead_pool_leased{capsule="guest"}') == 1)
            answer = service.invoke("x", b"1", Bulkhead_No_Wait="1")
            self.assertEqual((answer.status, answer.error_code()), (503, "saturated"))
            self.assertEqual(service.invoke("x", b"1", Bulkhead_No_Wait="maybe").status, 400)
            caller.join()

    def test_the_tools_twins_reload_unload_and_top(self):
        with self.serve() as service:
            listen = ["--listen", f"{service.host}:{service.port}"]

            def tool(*arguments):
                return subprocess.run([TOOL, *arguments, *listen], text=True, timeout=60,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            write_capsule(self.capsule, "2.0.0")
            done = tool("reload", "guest")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("guest 2.0.0 is served; 1.0.0 drained", done.stdout)
            for _ in range(3):
                service.invoke("x")
            looks = [json.loads(line) for line in
                     tool("top", "--json", "--count", "2", "--interval-ms", "20")
                     .stdout.splitlines()]
            self.assertEqual(len(looks), 2)
            row = looks[0]["capsules"][0]
            self.assertEqual((row["name"], row["state"]), ("guest", "ready"))
            self.assertGreater(row["leases_per_s"], 0)
            self.assertGreater(row["run_p99_ns"], 0)
            self.assertEqual(looks[1]["capsules"][0]["leases_per_s"], 0)  # nobody asked meanwhile
            self.assertGreater(looks[1]["interval_ns"], 0)
            table = tool("top", "--count", "1").stdout
            self.assertIn("LEASES/S", table)
            self.assertIn("guest", table)
            done = tool("unload", "guest", "--json")
            self.assertEqual(json.loads(done.stdout)["state"], "unloaded")
            done = tool("reload", "nope")
            self.assertEqual(done.returncode, 3)
            self.assertIn('no capsule is named "nope"', done.stderr)
        gone = subprocess.run([TOOL, "top", *listen], text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(gone.returncode, 3)
        self.assertIn("nothing listens on", gone.stderr)
        self.assertIn("bulkhead serve DIR", gone.stderr)


if __name__ == "__main__":
    unittest.main()
