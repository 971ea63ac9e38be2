#!/usr/bin/env -S python3 -B
"""examples/fetch-cache against a real server, and bulkhead invoke --profiles."""
import http.server
import json
import threading
import unittest

from tool import EXAMPLES, GUEST, HOST, ToolTest

EXAMPLE = EXAMPLES / "fetch-cache"


class Pages(http.server.BaseHTTPRequestHandler):
    """Says how long a page may be kept by its path, and counts what it sends."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append(self.path)
        headers, body = self.server.pages.get(self.path, ({}, None))
        tag = headers.get("ETag")
        if body is None:
            self.answer(404, {}, b"")
        elif tag is not None and self.headers.get("If-None-Match") == tag:
            self.answer(304, headers, b"")
        else:
            self.answer(200, headers, body)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class FetchCache(ToolTest):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        self.server.requests = []
        self.server.pages = {}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.port = self.server.server_address[1]
        self.profiles = self.directory / "profiles.toml"
        self.profiles.write_text(
            f'[capsule.fetch-cache]\nprivate_hosts = ["127.0.0.1:{self.port}"]\n')

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def invoke(self, payload, *arguments):
        return self.run_tool("invoke", EXAMPLE, "fetch", "--payload", payload, "--json",
                             *arguments)

    def fetch(self, path, *arguments):
        answer = self.json(self.invoke(self.url(path), "--profiles", self.profiles, *arguments))
        if answer["action"] == "deny":
            return answer["data"]
        data = json.loads(answer["data"])
        return data["from"], data["body"]

    def test_the_first_answer_is_what_the_example_says(self):
        payload = (EXAMPLE / "payload.txt").read_text()
        expected = (EXAMPLE / "expected.json").read_text().replace("8080", str(self.port))
        self.server.pages["/payload.txt"] = ({}, payload.replace("8080", str(self.port)).encode())
        answer = self.json(self.invoke(payload.replace("8080", str(self.port)), "--profiles",
                                       self.profiles))
        self.assertEqual({"action": answer["action"], "data": answer["data"]},
                         json.loads(expected))

    def test_a_fresh_page_is_not_asked_for_again(self):
        self.server.pages["/a"] = ({"Cache-Control": "public, max-age=3600"}, "größer".encode())
        self.assertEqual(self.fetch("/a"), ("network", "größer"))
        self.assertEqual(self.fetch("/a"), ("cache", "größer"))
        self.assertEqual(self.server.requests, ["/a"])
        self.assertEqual(self.fetch("/a", "-P", "other"), ("network", "größer"))

    def test_a_stale_page_is_revalidated_and_a_changed_one_replaced(self):
        self.server.pages["/b"] = ({"ETag": '"1"'}, b"one")
        self.assertEqual(self.fetch("/b"), ("network", "one"))
        self.assertEqual(self.fetch("/b"), ("revalidated", "one"))
        self.server.pages["/b"] = ({"ETag": '"2"'}, b"two")
        self.assertEqual(self.fetch("/b"), ("network", "two"))
        self.assertEqual(self.fetch("/b"), ("revalidated", "two"))

    def test_what_may_not_be_kept_is_fetched_each_time(self):
        self.server.pages["/c"] = ({"Cache-Control": "no-store, max-age=60", "ETag": '"1"'}, b"c")
        self.server.pages["/d"] = ({}, b"d")
        for _ in range(2):
            self.assertEqual(self.fetch("/c"), ("network", "c"))
            self.assertEqual(self.fetch("/d"), ("network", "d"))

    def test_a_page_that_is_not_there_or_no_text_is_denied(self):
        self.server.pages["/e"] = ({}, b"\xff\xfe")
        self.assertEqual(self.fetch("/none"), "the server answered with status 404")
        self.assertEqual(self.fetch("/e"), "the page is not text")

    def test_without_the_operator_a_private_address_is_refused(self):
        answer = self.json(self.invoke(self.url("/a")))
        self.assertEqual(answer["data"], "cannot fetch the page: airlock-rejected")
        self.assertEqual(self.server.requests, [])

    def test_profiles_that_cannot_be_read_stop_the_call(self):
        self.assert_one_line_error(self.invoke("x", "--profiles", "nowhere"), HOST, "nowhere")
        self.profiles.write_text("weight = 1\n")
        result = self.invoke("x", "--profiles", self.profiles)
        self.assert_one_line_error(result, HOST, "profiles.toml:1")


if __name__ == "__main__":
    unittest.main()
