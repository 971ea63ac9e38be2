#!/usr/bin/env python3
"""Messages over HTTP: publishing, handlers, and streams of server-sent events."""
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import BUILD_DIR, Service, wait_until  # noqa: E402

HANDLER = pathlib.Path(BUILD_DIR) / "tests" / "guests" / "handler.wasm"


def write_handler(root, name, topic="t.*", behaviour=None, extra=""):
    capsule = root / name
    shutil.rmtree(capsule, ignore_errors=True)
    capsule.mkdir()
    shutil.copyfile(HANDLER, capsule / "guest.wasm")
    env = f'[env.behaviour]\ntype = "text"\ndefault = "{behaviour}"\n' if behaviour else ""
    (capsule / "Capsule.toml").write_text(
        f'[package]\nname = "{name}"\nversion = "1.0.0"\n[[component]]\nfile = "guest.wasm"\n'
        f'[publish]\n"t.*" = "-"\n"u.*" = "-"\n'
        f'[subscribe]\n"{topic}" = {{wit = "-", handler = "seen"{extra}}}\n{env}')


class Stream:
    """One connection to GET /v1/events."""

    def __init__(self, service, query, principal=None):
        self.socket = service.open_socket()
        field = f"Bulkhead-Principal: {principal}\r\n" if principal else ""
        self.socket.sendall(f"GET /v1/events?{query} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"
                            .encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() not in (b"\r\n", b""):
            pass
        self.text = b""

    def read_event(self):
        """The fields of the next event, through the chunks; None at the end of the stream."""
        while b"\n\n" not in self.text:
            size = self.file.readline().strip()
            if not size or int(size, 16) == 0:
                return None
            self.text += self.file.read(int(size, 16))
            self.file.readline()
        event, self.text = self.text.split(b"\n\n", 1)
        return dict(re.findall(r"^(\w+): (.*)$", event.decode(), re.M))

    def read_data(self):
        return json.loads(self.read_event()["data"])

    def close(self):
        self.file.close()
        self.socket.close()


class EventsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-events-"))
        self.addCleanup(shutil.rmtree, self.root)

    def serve(self, *arguments):
        service = Service(str(self.root), *arguments)
        self.addCleanup(service.__exit__)
        return service

    def publish(self, service, topic, payload, wait=False, principal=None, headers=None):
        headers = dict(headers or {}, **({"Bulkhead-Principal": principal} if principal else {}))
        return service.request("POST", f"/v1/events/{topic}" + ("?wait=1" if wait else ""),
                               payload, headers)

    def open_stream(self, service, query, principal=None):
        stream = Stream(service, query, principal)
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        return stream

    def test_a_message_is_accepted_and_reaches_its_handler(self):
        write_handler(self.root, "one")
        service = self.serve()
        answer = self.publish(service, "t.x", '"hello"', principal="ada")
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.json(), {"accepted": True, "sequence": 1})
        wait_until(lambda: '(ada) seen "hello"' in service.read_log())

    def test_waiting_tells_what_the_handlers_made_of_it(self):
        write_handler(self.root, "adds", behaviour="append:1", extra=", priority = 1")
        write_handler(self.root, "guard", behaviour="deny:not today")
        service = self.serve()
        answer = self.publish(service, "t.x", '"x"', wait=True)
        self.assertEqual(answer.status, 200)
        body = answer.json()
        steps = body.pop("steps")
        self.assertEqual(body, {"verdict": "denied", "by": "guard", "reason": "not today",
                                "payload": '"x,1"'})
        self.assertEqual([(s["capsule"], s["action"], s["outcome"], s["failed"]) for s in steps],
                         [("adds", "seen", "returned", False), ("guard", "seen", "returned", False)])

    def test_a_guard_that_fails_denies(self):
        write_handler(self.root, "guard", behaviour="trap")
        write_handler(self.root, "z", behaviour="append:never")
        body = self.publish(self.serve(), "t.x", '"x"', wait=True).json()
        self.assertEqual((body["verdict"], body["by"], body["payload"]), ("failed", "guard", '"x"'))
        self.assertEqual(body["steps"][0]["outcome"], "trapped")

    def test_waiting_without_handlers_says_none(self):
        write_handler(self.root, "one", topic="u.*")
        body = self.publish(self.serve(), "t.x", "[1]", wait=True).json()
        self.assertEqual((body["verdict"], body["payload"], body["steps"]), ("none", "[1]", []))

    def test_what_is_no_message_is_refused(self):
        write_handler(self.root, "one")
        service = self.serve()
        for topic, payload in (("t.X", "1"), ("t..x", "1"), ("t.*", "1"), ("t.x", "{"),
                               ("t.x", ""), ("t.x", '"\xff"'.encode("latin-1"))):
            answer = self.publish(service, topic, payload)
            self.assertEqual((answer.status, answer.error_code()), (400, "bad-request"), topic)
        self.assertEqual(self.publish(service, "t.x", "1", principal="a b").status, 400)
        large = self.publish(service, "t.x", '"' + "x" * (1 << 20) + '"')
        self.assertEqual(large.status, 413)
        self.assertEqual(service.request("GET", "/v1/events/t.x").status, 405)
        self.assertEqual(service.request("POST", "/v1/events").status, 405)
        self.assertEqual(service.request("POST", "/v1/events/a/b").status, 404)

    def test_handlers_that_have_too_much_to_do_are_503(self):
        write_handler(self.root, "slow", behaviour="sleep:60000")
        service = self.serve()
        answers = [self.publish(service, "t.x", "1").status for _ in range(65)]
        self.assertEqual(answers, [202] * 64 + [503])

    def test_a_refusal_for_too_much_to_do_says_when_to_try_again(self):
        write_handler(self.root, "slow", behaviour="sleep:60000")
        service = self.serve()
        for _ in range(64):
            self.publish(service, "t.x", "1")
        answer = self.publish(service, "t.x", "1", wait=True)
        self.assertEqual((answer.status, answer.error_code()), (503, "saturated"))
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertEqual(service.metric("bulkhead_events_waiting"), 64)
        wait_until(lambda: service.metric("bulkhead_events_running") == 1)
        self.assertEqual(service.metric("bulkhead_events_refused_total"), 1)

    def test_waiting_has_an_end_and_the_handlers_go_on(self):
        write_handler(self.root, "slow", behaviour="sleep:1500")
        service = self.serve()
        answer = self.publish(service, "t.x", "1", wait=True, headers={"Bulkhead-Timeout-Ms": "1"})
        self.assertEqual((answer.status, answer.error_code()), (504, "deadline"))
        wait_until(lambda: service.metric('bulkhead_events_total{verdict="continued"}') == 1)
        answer = self.publish(service, "t.x", "1", wait=True,
                              headers={"Bulkhead-Timeout-Ms": "60000"})
        self.assertEqual(answer.json()["verdict"], "continued")

    def test_a_client_that_stops_waiting_leaves_the_handlers_alone(self):
        write_handler(self.root, "slow", behaviour="sleep:1500")
        service = self.serve()
        with service.open_socket() as socket:
            socket.sendall(b"POST /v1/events/t.x?wait=1 HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: 1\r\n\r\n1")
            wait_until(lambda: service.metric("bulkhead_events_running") == 1)
        wait_until(lambda: service.metric('bulkhead_events_total{verdict="continued"}') == 1)
        self.assertEqual(service.get("/healthz").status, 200)

    def test_flags_are_0_or_1(self):
        write_handler(self.root, "one")
        service = self.serve()
        self.assertEqual(service.request("POST", "/v1/events/t.x?wait=0", "1").status, 202)
        for path, method in (("/v1/events/t.x?wait=yes", "POST"),
                             ("/v1/events?topic=t.x&all=", "GET")):
            answer = service.request(method, path, "1" if method == "POST" else None)
            self.assertEqual((answer.status, answer.error_code()), (400, "bad-request"), path)

    def test_a_capsule_tells_what_its_host_calls_did(self):
        write_handler(self.root, "one", topic="t.a", behaviour="forward:t.b")
        service = self.serve()
        for _ in range(3):
            self.publish(service, "t.a", "1", wait=True)
        calls = service.get("/v1/capsules/one").json()["host_calls"]
        self.assertEqual((calls["published"], calls["publish_refused"]), (3, 0))
        self.assertEqual(
            service.metric('bulkhead_host_calls_total{capsule="one",kind="published"}'), 3)

    def test_a_stream_shows_messages_of_its_principal_and_topic(self):
        write_handler(self.root, "one", topic="u.*")
        service = self.serve()
        ada = self.open_stream(service, "topic=t.*", principal="ada")
        everybody = self.open_stream(service, "topic=t.%2A&all=1")
        self.publish(service, "t.x", '{"a": 1}', principal="bob")
        self.publish(service, "u.x", "2", principal="ada")
        self.publish(service, "t.y", "3", principal="ada")
        event = ada.read_event()
        self.assertEqual((event["id"], event["event"]), ("3", "message"))
        self.assertEqual(json.loads(event["data"]),
                         {"topic": "t.y", "payload": "3", "principal": "ada",
                          "attribution": "verified", "source": None})
        self.assertEqual([everybody.read_data()["payload"] for _ in range(2)], ['{"a": 1}', "3"])

    def test_a_stream_shows_what_a_capsule_publishes_and_who_it_is(self):
        write_handler(self.root, "one", topic="t.a", behaviour="forward:t.b")
        service = self.serve()
        stream = self.open_stream(service, "topic=t.b", principal="ada")
        self.publish(service, "t.a", '"x"', principal="ada")
        data = stream.read_data()
        self.assertEqual((data["payload"], data["principal"]), ('"x"', "ada"))
        self.assertRegex(data["source"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4")

    def test_a_stream_needs_a_topic(self):
        write_handler(self.root, "one")
        service = self.serve()
        for query in ("", "topic=", "topic=t..x", "topic=T", "topic=%zz", "topic=t%2Fx"):
            answer = service.get("/v1/events?" + query)
            self.assertEqual(answer.status, 400, query)
        self.assertIn("?topic=PATTERN", answer.json()["error"]["message"])

    def test_a_slow_reader_loses_messages_and_is_told(self):
        write_handler(self.root, "one", topic="u.*")
        service = self.serve()
        stream = self.open_stream(service, "topic=t.*")
        payload = '"' + "x" * 100_000 + '"'
        for _ in range(200):  # 20 MB: more than sockets and the queue hold
            self.assertEqual(self.publish(service, "t.x", payload).status, 202)
        lost = received = 0
        while lost + received < 200:
            event = stream.read_event()
            if event["event"] == "lost":
                lost += int(event["data"])
            else:
                received += 1
        self.assertGreater(lost, 0)
        self.assertGreater(received, 9)

    def test_many_messages_reach_a_reader_that_keeps_up_in_order(self):
        write_handler(self.root, "one", topic="u.*")
        service = self.serve()
        stream = self.open_stream(service, "topic=t.*")
        def publish_all():
            with service.connect() as connection:
                for i in range(1000):
                    connection.request("POST", "/v1/events/t.x", str(i))
                    connection.getresponse().read()
        thread = threading.Thread(target=publish_all)
        thread.start()
        numbers = [int(stream.read_data()["payload"]) for _ in range(1000)]
        thread.join()
        self.assertEqual(numbers, list(range(1000)))

    def test_a_client_that_leaves_takes_its_subscription_along(self):
        write_handler(self.root, "one", topic="u.*")
        service = self.serve()
        streams = [Stream(service, "topic=t.*") for _ in range(20)]
        wait_until(lambda: service.metric("bulkhead_bus_subscribers") == 20)
        for stream in streams:
            stream.close()
        wait_until(lambda: service.metric("bulkhead_bus_subscribers") == 0)

    def test_a_reload_hands_the_handlers_over(self):
        write_handler(self.root, "one", behaviour="append:old")
        service = self.serve()
        self.assertEqual(self.publish(service, "t.x", '"x"', wait=True).json()["payload"], '"x,old"')
        write_handler(self.root, "one", behaviour="append:new")
        self.assertEqual(service.request("POST", "/v1/capsules/one/reload").status, 200)
        self.assertEqual(self.publish(service, "t.x", '"x"', wait=True).json()["payload"], '"x,new"')
        self.assertEqual(service.request("POST", "/v1/capsules/one/unload").status, 200)
        self.assertEqual(self.publish(service, "t.x", '"x"', wait=True).json()["verdict"], "none")

    def test_a_reload_waits_for_handlers_and_cancels_them_at_its_deadline(self):
        write_handler(self.root, "one", behaviour="sleep:1500")
        service = self.serve()
        answers = []

        def publish():
            answers.append(self.publish(service, "t.x", '"x"', wait=True).json())

        thread = threading.Thread(target=publish)
        thread.start()
        wait_until(lambda: service.metric("bulkhead_events_running") == 1)
        write_handler(self.root, "one", behaviour="sleep:60000")
        report = service.request("POST", "/v1/capsules/one/reload").json()
        thread.join()
        self.assertEqual((report["cancelled"], answers[0]["verdict"]), (0, "continued"))
        thread = threading.Thread(target=publish)
        thread.start()
        wait_until(lambda: service.metric("bulkhead_events_running") == 1)
        report = service.request("POST", "/v1/capsules/one/unload", None,
                                 {"Bulkhead-Drain-Ms": "50"}).json()
        thread.join()
        self.assertEqual((report["cancelled"], answers[1]["verdict"]), (1, "failed"))
        self.assertEqual(answers[1]["steps"][0]["outcome"], "cancelled")

    def test_a_shutdown_does_not_wait_for_a_reload_that_waits_for_handlers(self):
        write_handler(self.root, "slow", behaviour="sleep:60000")
        service = self.serve("--drain-ms", "100")
        self.publish(service, "t.x", "1")
        wait_until(lambda: service.metric("bulkhead_events_running") == 1)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            service.request("POST", "/v1/capsules/slow/unload", None,
                            {"Bulkhead-Drain-Ms": "3600000"})))
        thread.start()
        wait_until(lambda: service.get("/v1/capsules/slow").json()["state"] == "unloaded")
        service.process.send_signal(signal.SIGTERM)
        thread.join()
        self.assertEqual(answers[0].json()["cancelled"], 1)
        self.assertEqual(service.process.wait(20), 0)

    def test_streams_are_limited(self):
        write_handler(self.root, "one", topic="u.*")
        service = Service(str(self.root), workers=1)
        self.addCleanup(service.__exit__)
        for _ in range(256):
            self.open_stream(service, "topic=t.*")
        answer = service.get("/v1/events?topic=t.*")
        self.assertEqual((answer.status, answer.error_code()), (503, "saturated"))

    def test_a_shutdown_ends_streams_and_answers_who_waits(self):
        write_handler(self.root, "slow", behaviour="sleep:60000")
        service = self.serve("--drain-ms", "200")
        stream = self.open_stream(service, "topic=t.*")
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(self.publish(service, "t.x", "1", wait=True)))
        thread.start()
        wait_until(lambda: 'seen 1' in service.read_log())
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(stream.read_data()["payload"], "1")
        self.assertIsNone(stream.read_event())
        thread.join()
        self.assertEqual(answers[0].status, 503)
        self.assertEqual(service.process.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
