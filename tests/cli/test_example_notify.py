#!/usr/bin/env -S python3 -B
"""examples/notify in a real daemon, with a webhook that is a real server on this machine."""
import http.server
import json
import queue
import re
import signal
import subprocess
import threading
import unittest

from tool import BULKHEAD, EXAMPLES, OK, ToolTest

EXAMPLE = EXAMPLES / "notify"
PAYLOAD = EXAMPLE / "payload.json"


class Webhook(http.server.BaseHTTPRequestHandler):
    """Keeps what it is posted."""
    status = 204

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.put((self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Notify(ToolTest):
    def setUp(self):
        super().setUp()
        self.webhook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self.webhook.posts = queue.Queue()
        self.webhook.status = 204
        threading.Thread(target=self.webhook.serve_forever, daemon=True).start()
        self.addCleanup(self.webhook.server_close)
        self.addCleanup(self.webhook.shutdown)
        port = self.webhook.server_port
        self.profiles = self.directory / "profiles.toml"
        self.profiles.write_text(f'[capsule.notify]\nprivate_hosts = ["127.0.0.1:{port}"]\n')
        self.environment["BULKHEAD_CONFIG_NOTIFY__NOTIFY_URL"] = f"http://127.0.0.1:{port}/hook"

    def serve(self):
        self.log = open(self.directory / "log", "w")
        self.addCleanup(self.log.close)
        process = subprocess.Popen(
            [BULKHEAD, "serve", EXAMPLE, "--listen", "127.0.0.1:0", "--profiles", self.profiles],
            stdout=subprocess.PIPE, stderr=self.log, env=self.environment, cwd=self.directory)
        self.addCleanup(process.communicate)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        return re.search(r"http://([0-9.]+:\d+)", process.stdout.readline().decode())[1]

    def publish(self, address, payload):
        result = self.run_tool("publish", "alerts.disk", payload, "--wait", "--json", "--listen",
                               address)
        return json.loads(result.stdout)

    def test_an_alert_reaches_the_webhook(self):
        answer = self.publish(self.serve(), f"@{PAYLOAD}")
        self.assertEqual((answer["verdict"], json.loads(answer["payload"])),
                         ("continued", json.loads(PAYLOAD.read_text())))
        kind, body = self.webhook.posts.get(timeout=60)
        self.assertEqual((kind, body["text"]),
                         ("application/json",
                          "error: " + json.loads(PAYLOAD.read_text())["text"]))

    def test_what_is_not_bad_enough_is_not_told(self):
        address = self.serve()
        for level in ("info", "warning"):
            answer = self.publish(address, json.dumps({"level": level, "text": level}))
            self.assertEqual(answer["verdict"], "continued")
        self.assertEqual(self.webhook.posts.get(timeout=60)[1], {"text": "warning: warning"})
        self.assertTrue(self.webhook.posts.empty())

    def test_what_is_no_alert_is_denied(self):
        address = self.serve()
        for payload, reason in (("[]", "level: malformed JSON"), ("{}", "level: "),
                                ('{"level":"fatal","text":"x"}', "level: expected"),
                                ('{"level":"info","text":7}', "text: ")):
            answer = self.publish(address, payload)
            self.assertEqual((answer["verdict"], answer["by"]), ("denied", "notify"))
            self.assertIn(reason.split(" mal")[0], answer["reason"])

    def test_a_webhook_that_fails_stops_nobody_and_is_in_the_log(self):
        address = self.serve()
        self.webhook.status = 500
        self.assertEqual(self.publish(address, f"@{PAYLOAD}")["verdict"], "continued")
        self.profiles.write_text("")
        other = self.serve()
        self.assertEqual(self.publish(other, f"@{PAYLOAD}")["verdict"], "continued")
        log = (self.directory / "log").read_text()
        self.assertIn("an alert was not told: airlock-rejected", log)
        self.assertEqual(self.webhook.posts.qsize(), 1)

    def test_a_first_call_answers_as_the_example_says(self):
        answer = self.json(self.run_tool("invoke", EXAMPLE, "notify", "--payload", f"@{PAYLOAD}",
                                         "--profiles", self.profiles, "--json"), OK)
        self.assertEqual({"action": answer["action"], "data": answer["data"]},
                         json.loads((EXAMPLE / "expected.json").read_text()))


if __name__ == "__main__":
    unittest.main()
