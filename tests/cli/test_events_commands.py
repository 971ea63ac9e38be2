#!/usr/bin/env -S python3 -B
"""publish and events: what they ask a daemon, and what they print of its answer."""
import http.server
import json
import re
import shutil
import signal
import subprocess
import threading
import unittest
import urllib.request

from tool import BUILD, BULKHEAD, GUEST, HOST, OK, USAGE, ToolTest

MANIFEST = """[package]
name = "{name}"
version = "1.0.0"

[[component]]
file = "guest.wasm"

[subscribe]
"t.*" = {{wit = "-", handler = "seen"}}
"""


class WithDaemon(ToolTest):
    def setUp(self):
        super().setUp()
        self.root = self.directory / "capsules"
        self.write_handler("one")
        self.process = subprocess.Popen(
            [BULKHEAD, "serve", self.root, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=self.environment, cwd=self.directory)
        self.addCleanup(self.end)
        self.address = re.search(r"http://(\S+?);?\s", self.process.stdout.readline().decode())[1]
        self.address = self.address.split("/")[0]

    def write_handler(self, name):
        (self.root / name).mkdir(parents=True)
        shutil.copyfile(BUILD / "tests/guests/handler.wasm", self.root / name / "guest.wasm")
        (self.root / name / "Capsule.toml").write_text(MANIFEST.format(name=name))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)

    def ask(self, *arguments, **options):
        return self.run_tool(*arguments, "--listen", self.address, **options)

    def subscribers(self):
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=60) as answer:
            return int(re.search(r"^bulkhead_bus_subscribers (\d+)", answer.read().decode(),
                                 re.M)[1])

    def watch(self, *arguments):
        """The command, once the daemon knows it."""
        before = self.subscribers()
        process = subprocess.Popen([BULKHEAD, "events", *arguments, "--listen", self.address],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        waiting = threading.Event()
        while self.subscribers() == before and process.poll() is None:
            waiting.wait(0.01)
        return process


class Publishing(WithDaemon):
    def test_a_message_is_accepted(self):
        self.assert_answers(self.ask("publish", "t.x", '"hello"'), b"accepted as message 1\n")
        self.assertEqual(self.json(self.ask("publish", "t.x", "--json")),
                         {"accepted": True, "sequence": 2})

    def test_waiting_prints_what_the_handlers_decided(self):
        cases = [
            ("t.x", '"continue"', OK, b'continued by 1 handler: "continue"\n'),
            ("t.x", '"modify:{\\"a\\":\\n1}"', OK, b'continued by 1 handler: {\\"a\\":\\n1}\n'),
            ("t.x", '"final:[1]"', OK, b"final by one: [1]\n"),
            ("t.x", '"deny:not today"', GUEST, b"denied by one: not today\n"),
            ("t.x", '"deny:\x1b[31m\u009bred"', USAGE, None),
            ("u.x", "7", OK, b"none: 7\n"),
        ]
        for topic, payload, status, output in cases:
            with self.subTest(payload=payload):
                result = self.ask("publish", topic, payload, "--wait")
                self.assertEqual(result.returncode, status, result.stderr)
                if output is not None:
                    self.assertEqual(result.stdout, output)
        result = self.ask("publish", "t.x", '"trap"', "-w")
        self.assertEqual(result.returncode, GUEST)
        self.assertRegex(result.stdout, rb"\Afailed by one: [^\n]*unreachable[^\n]*\n\Z")

    def test_texts_of_capsules_cannot_move_the_cursor(self):
        result = self.ask("publish", "t.x", '"deny:\u009b31mred"', "--wait")
        self.assertEqual(result.stdout, b"denied by one: ??31mred\n")

    def test_json_holds_the_whole_answer(self):
        body = self.json(self.ask("publish", "t.x", '"deny:no"', "--wait", "--json"), GUEST)
        self.assertEqual((body["verdict"], body["by"], body["reason"]), ("denied", "one", "no"))
        self.assertEqual(body["steps"][0]["action"], "seen")

    def test_the_payload_comes_from_a_file_or_standard_input_too(self):
        path = self.directory / "payload.json"
        path.write_text('"final:1"')
        for payload, given in ((f"@{path}", b""), ("-", b'"final:1"')):
            self.assert_answers(self.ask("publish", "t.x", payload, "--wait", input=given),
                                b"final by one: 1\n")

    def test_waiting_may_be_bounded(self):
        result = self.ask("publish", "t.x", '"sleep:500"', "--wait", "--timeout", "1")
        self.assert_one_line_error(result, HOST, "they go on")

    def test_what_the_daemon_refuses_is_said_in_its_words(self):
        self.assert_one_line_error(self.ask("publish", "t.x", "{"), USAGE, "no JSON text")
        large = self.directory / "large.json"
        large.write_text('"' + "x" * (1 << 20) + '"')
        self.assert_one_line_error(self.ask("publish", "t.x", f"@{large}"), HOST, "1048576")


class Watching(WithDaemon):
    def test_messages_are_printed_as_they_come(self):
        process = self.watch("t.*")
        self.ask("publish", "t.x", '{"a":\n1}')
        self.assertEqual(process.stdout.readline(), b'1 t.x default {"a": 1}\n')
        self.ask("publish", "t.x", "2", "--principal", "ada")
        self.ask("publish", "u.x", "3")
        self.ask("publish", "t.y.z", "4")
        self.assertEqual(process.stdout.readline(), b"4 t.y.z default 4\n")

    def test_all_shows_everybody_s_and_json_all_fields(self):
        process = self.watch("--all", "--json", "--count", "2")
        self.ask("publish", "t.x", "1", "--principal", "ada")
        self.ask("publish", "u.v.w", "2")
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (OK, b""))
        first, second = [json.loads(line) for line in output.splitlines()]
        self.assertEqual(first, {"sequence": 1, "topic": "t.x", "payload": "1", "principal": "ada",
                                 "attribution": "verified", "source": None})
        self.assertEqual((second["sequence"], second["principal"]), (2, "default"))

    def test_a_principal_sees_its_own(self):
        process = self.watch("t.x", "--principal", "ada", "--count", "1")
        self.ask("publish", "t.x", "1")
        self.ask("publish", "t.x", "2", "--principal", "ada")
        self.assertEqual(process.communicate(timeout=60)[0], b"2 t.x ada 2\n")

    def test_large_messages_come_whole(self):
        process = self.watch("t.x", "--json", "--count", "2")
        text = json.dumps('"\u20ac' * 100_000)
        path = self.directory / "large.json"
        path.write_text(text)
        for _ in range(2):
            self.ask("publish", "t.x", f"@{path}")
        for line in process.communicate(timeout=60)[0].splitlines():
            self.assertEqual(json.loads(line)["payload"], text)

    def test_the_end_of_the_daemon_is_said(self):
        process = self.watch("t.x")
        self.process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, output), (HOST, b""))
        self.assertRegex(errors.decode(), r"\Abulkhead events: [0-9.:]+ has ended the stream\n\Z")

    def test_nothing_that_listens_is_said(self):
        self.end()
        for command in (["events"], ["publish", "t.x"]):
            self.assert_one_line_error(self.ask(*command), HOST, "nothing listens")


class Strange(http.server.BaseHTTPRequestHandler):
    """Not a daemon of ours; its text comes from the test."""
    text = b""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_):
        pass


class StrangePeers(ToolTest):
    def events_of(self, text, *arguments):
        handler = type("Handler", (Strange,), {"text": text})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever).start()
            result = self.run_tool("events", *arguments, "--listen",
                                   f"127.0.0.1:{server.server_port}")
            server.shutdown()
        return result

    def test_lost_messages_are_told_apart_from_messages(self):
        text = (b'event: lost\ndata: 7\n\n:\n\nid: 9\nevent: message\n'
                b'data: {"topic":"a.b","payload":"1","principal":null}\n\n')
        result = self.events_of(text, "--count", "1")
        self.assertEqual((result.returncode, result.stdout), (OK, b"9 a.b - 1\n"))
        self.assertIn(b"7 messages were lost", result.stderr)
        result = self.events_of(text, "--count", "1", "--json")
        self.assertEqual(result.stdout.splitlines()[0], b'{"lost":7}')

    def test_what_is_no_event_ends_in_one_line(self):
        for text in (b"event: message\ndata: [1]\n\n", b"event: message\ndata: {\n\n",
                     b"event: message\n\n"):
            self.assert_one_line_error(self.events_of(text), HOST, "does not answer like")
        for text in (b"", b"<html>\n\n", b"data: {"):
            self.assert_one_line_error(self.events_of(text), HOST, "has ended the stream")

    def test_an_endless_event_is_given_up(self):
        self.assert_one_line_error(self.events_of(b"data: " + b"x" * (17 << 20)), HOST, "too large")


if __name__ == "__main__":
    unittest.main()
