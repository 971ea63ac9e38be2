#!/usr/bin/env python3
"""Every route, method, header and status of the HTTP interface, over a real service."""
import concurrent.futures
import http.client
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service  # noqa: E402

OCTETS = {"Accept": "application/octet-stream"}
ACTIONS = "/v1/capsules/guest/actions/"


class WithService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        capsules = cls.directory.name
        service.write_capsule(capsules, "guest")
        service.write_capsule(capsules, "shared", extra='\n[capsule]\nreuse = "shared"\n')
        broken = service.write_capsule(capsules, "broken")
        with open(os.path.join(broken, "guest.wasm"), "wb") as file:
            file.write(b"\0asm\1\0\0\0\xff\xff")
        twin = '[package]\nname = "guest"\nversion = "9.9.9"\n\n[[component]]\nfile = "guest.wasm"\n'
        service.write_capsule(capsules, "zwilling", manifest=twin)
        os.mkdir(os.path.join(capsules, "no-capsule"))
        cls.service = service.Service(capsules)

    @classmethod
    def tearDownClass(cls):
        cls.service.__exit__()
        cls.directory.cleanup()


class Reading(WithService):
    def test_health_is_ok(self):
        answer = self.service.get("/healthz")
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))

    def test_capsules_are_listed_by_name_with_their_pools(self):
        capsules = self.service.get("/v1/capsules").json()["capsules"]
        self.assertEqual([entry["name"] for entry in capsules],
                         ["broken", "guest", "shared", "zwilling"])
        guest = capsules[1]
        self.assertEqual((guest["state"], guest["version"], guest["reuse"], guest["description"]),
                         ("ready", "1.2.3", "pristine", 'says "guest"'))
        self.assertGreater(guest["pool"]["live_max"], 0)

    def test_a_capsule_tells_its_stats(self):
        self.service.invoke("echo", b"x")
        body = self.service.get("/v1/capsules/guest").json()
        self.assertGreaterEqual(body["stats"]["outcomes"]["returned"], 1)
        self.assertGreater(body["stats"]["fuel_used"], 0)
        self.assertGreaterEqual(body["stats"]["run"]["count"], 1)

    def test_stats_name_every_outcome_cause_and_percentile(self):
        self.service.invoke("echo", b"x")
        listed = self.service.get("/v1/capsules").json()["capsules"][1]
        for entry in (self.service.get("/v1/capsules/guest").json(), listed):
            pool, stats = entry["pool"], entry["stats"]
            self.assertEqual(sorted(pool), ["building", "idle", "leased", "live", "live_max",
                                            "min_idle", "restoring", "waiting"])
            self.assertLessEqual({"leases", "builds", "builds_ahead", "build_failures", "retired",
                                  "evicted_idle", "evicted_by_need", "is_breaker_open"}, set(stats))
            self.assertLessEqual({"trapped", "out-of-fuel", "deadline", "cancelled",
                                  "memory-limit"}, set(stats["condemned"]))
            self.assertLessEqual({"saturated", "over-cap", "breaker", "nested", "deadline",
                                  "closed"}, set(stats["refusals"]))
            run = stats["run"]
            self.assertEqual(sum(count for _, count in run["buckets"]), run["count"])
            self.assertTrue(0 < run["p50_ns"] <= run["p90_ns"] <= run["p99_ns"], run)
            self.assertGreaterEqual(entry["age_ms"], 0)

    def test_a_capsule_that_did_not_load_says_why(self):
        entry = self.service.get("/v1/capsules/broken").json()
        self.assertEqual((entry["state"], entry["error"]["code"]), ("failed", "E_MODULE"))
        answer = self.service.invoke("echo", capsule="broken")
        self.assertEqual((answer.status, answer.error_code()), (503, "capsule-failed"))
        self.assertEqual(answer.json()["error"]["message"], entry["error"]["message"])

    def test_of_two_capsules_with_one_name_the_second_fails(self):
        self.assertEqual(self.service.get("/v1/capsules/guest").json()["version"], "1.2.3")
        entry = self.service.get("/v1/capsules/zwilling").json()
        self.assertEqual(entry["state"], "failed")
        self.assertIn('"guest" was already loaded', entry["error"]["message"])

    def test_head_has_the_header_and_no_body(self):
        answer = self.service.request("HEAD", "/v1/capsules/guest")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 0)

    def test_metrics_are_prometheus_text(self):
        self.service.invoke("counted", b"x")
        answer = self.service.get("/metrics")
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        lines = answer.body.decode().splitlines()
        self.assertIn('bulkhead_invocations_total{capsule="guest",action="counted",'
                      'outcome="returned"} 1', lines)
        for line in lines:
            self.assertRegex(line, r'^# (HELP|TYPE) |^[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [0-9.e+-]+$')
        for name in ("wait", "run", "restore"):
            buckets = [float(line.rsplit(" ", 1)[1]) for line in lines
                       if line.startswith(f'bulkhead_{name}_seconds_bucket{{capsule="guest"')]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(buckets[-1], self.service.metric(
                f'bulkhead_{name}_seconds_count{{capsule="guest"'))
        self.assertGreater(self.service.metric('bulkhead_pool_live_max{capsule="guest"'), 0)
        self.assertGreater(self.service.metric('bulkhead_fuel_used_total{capsule="guest"'), 0)
        for start in ('leases_total{capsule="guest"}', 'pool_restoring{capsule="guest"}',
                      'pool_min_idle{capsule="guest"}', 'builds_ahead_total{capsule="guest"}',
                      'instances_retired_total{capsule="guest"}', 'breaker_open{capsule="guest"}',
                      'condemned_total{capsule="guest",reason="trapped"}',
                      'refusals_total{capsule="guest",cause="over-cap"}',
                      'evictions_total{capsule="guest",cause="idle"}',
                      'evictions_total{capsule="guest",cause="need"}',
                      'reloads_total{capsule="guest",result="done"}'):
            self.assertEqual(len([line for line in lines
                                  if line.startswith("bulkhead_" + start + " ")]), 1, start)
        self.assertEqual(len({line.rsplit(" ", 1)[0] for line in lines if line[0] != "#"}),
                         len([line for line in lines if line[0] != "#"]))  # no label set twice


class Invoking(WithService):
    def test_an_answer_tells_outcome_action_data_and_timings(self):
        answer = self.service.invoke("echo", "grün".encode())
        body = answer.json()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual((body["outcome"], body["action"], body["data"]),
                         ("returned", "continue", "grün"))
        self.assertGreater(body["fuel_used"], 0)
        self.assertEqual(sorted(body["timings"]), ["restore_ns", "run_ns", "wait_ns"])
        self.assertGreater(body["timings"]["run_ns"], 0)

    def test_octets_are_the_data_alone(self):
        answer = self.service.invoke("echo", b"raw", Accept="application/octet-stream")
        self.assertEqual((answer.status, answer.body), (200, b"raw"))
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertEqual(answer.headers["Bulkhead-Outcome"], "returned")
        self.assertEqual(answer.headers["Bulkhead-Action"], "continue")

    def test_a_denial_is_an_answer(self):
        answer = self.service.invoke("deny")
        self.assertEqual(answer.status, 200)
        self.assertEqual((answer.json()["action"], answer.json()["data"]), ("deny", "not today"))

    def test_no_data_is_null(self):
        self.assertIsNone(self.service.invoke("pass").json()["data"])
        answer = self.service.invoke("pass", Accept="application/octet-stream")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_the_principal_comes_from_the_header(self):
        self.assertEqual(self.service.invoke("who").json()["data"], "default")
        answer = self.service.invoke("who", Bulkhead_Principal="alice-1_X")
        self.assertEqual(answer.json()["data"], "alice-1_X")

    def test_bad_principals_are_refused(self):
        for principal in ("", "a b", "a/b", "ü".encode().decode("latin-1"), "x" * 65, "x" * 5000):
            answer = self.service.invoke("echo", Bulkhead_Principal=principal)
            self.assertEqual((principal, answer.status), (principal, 400))
        self.assertEqual(self.service.invoke("who", Bulkhead_Principal="x" * 64).status, 200)

    def test_two_principals_in_one_request_are_refused(self):
        with self.service.connect() as connection:
            connection.putrequest("POST", ACTIONS + "who")
            connection.putheader("Bulkhead-Principal", "alice")
            connection.putheader("Bulkhead-Principal", "bob")
            connection.putheader("Content-Length", "0")
            connection.endheaders()
            self.assertEqual(service.Answer(connection.getresponse()).status, 400)

    def test_the_timeout_comes_from_the_header(self):
        answer = self.service.invoke("sleep", Bulkhead_Timeout_Ms="50")
        self.assertEqual(answer.status, 504)
        for timeout in ("0", "-1", "1.5", "x", "", "86400001", "99999999999999999999"):
            answer = self.service.invoke("echo", Bulkhead_Timeout_Ms=timeout)
            self.assertEqual((timeout, answer.status), (timeout, 400))

    def test_actions_are_decoded(self):
        self.assertEqual(self.service.invoke("d%65ny").json()["action"], "deny")
        self.assertEqual(self.service.invoke("gr%C3%BCn").status, 200)
        for action in ("a%2Fb", "a%00", "%0d%0a", "%ff", "%zz", "x" * 257):
            answer = self.service.invoke(action)
            self.assertEqual((action, answer.status, answer.error_code()),
                             (action, 400, "bad-request"))

    def test_a_query_is_ignored(self):
        self.assertEqual(self.service.invoke("echo?x=%zz", b"1").json()["data"], "1")

    def test_a_guest_cannot_add_header_fields(self):
        answer = self.service.invoke("header", Accept="application/octet-stream")
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.headers["Injected"])
        self.assertEqual(answer.headers["Bulkhead-Action"], "a%0D%0AInjected:%20yes")


class Refusing(WithService):
    def test_unknown_things_are_not_found(self):
        for path in ("/", "/v1", "/v1/capsules/", "/v1/capsules/nope", "/nope"):
            answer = self.service.get(path)
            self.assertEqual((path, answer.status, answer.error_code()), (path, 404, "not-found"))
        answer = self.service.invoke("echo", b"x" * 100000, capsule="nope")
        self.assertEqual((answer.status, answer.error_code()), (404, "not-found"))

    def test_wrong_methods_are_told_the_right_ones(self):
        for method, path, allowed in (("POST", "/healthz", "GET, HEAD"),
                                      ("DELETE", "/v1/capsules", "GET, HEAD"),
                                      ("PUT", "/v1/capsules/guest", "GET, HEAD"),
                                      ("POST", "/metrics", "GET, HEAD"),
                                      ("GET", ACTIONS + "echo", "POST"),
                                      ("OPTIONS", ACTIONS + "echo", "POST")):
            answer = self.service.request(method, path)
            self.assertEqual((method, path, answer.status), (method, path, 405))
            self.assertEqual(answer.headers["Allow"], allowed)
        self.assertEqual(self.service.request("HEAD", ACTIONS + "echo").status, 405)

    def test_errors_are_json_for_clients_of_octets_too(self):
        answer = self.service.request("POST", "/v1/capsules/nope/actions/x", b"", OCTETS)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(sorted(answer.json()["error"]), ["code", "message"])

    def test_web_pages_of_elsewhere_are_refused(self):
        for name, value in (("Host", "example.org"), ("Host", "localhost.example.org"),
                            ("Origin", "http://example.org"), ("Origin", "null")):
            answer = self.service.request("POST", ACTIONS + "echo", b"x", {name: value})
            self.assertEqual((value, answer.status, answer.error_code()),
                             (value, 403, "not-loopback"))
        for name, value in (("Host", "localhost:1"), ("Origin", "http://localhost:3000")):
            answer = self.service.request("POST", ACTIONS + "echo", b"x", {name: value})
            self.assertEqual((value, answer.status), (value, 200))

    def test_a_connection_survives_a_refusal(self):
        with self.service.connect() as connection:
            for _ in range(3):
                answer = service.ask(connection, "POST", "/v1/capsules/nope/actions/x", b"y" * 70000)
                self.assertEqual(answer.status, 404)
                before = connection.sock
                answer = service.ask(connection, "POST", ACTIONS + "echo", b"z")
                self.assertEqual(answer.json()["data"], "z")
                self.assertIs(connection.sock, before)

    def test_a_header_without_end_is_refused(self):
        with self.service.open_socket() as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 60000)
            self.assertRegex(service.read_until_closed(stream), rb"^HTTP/1.1 (431|413|414) ")

    def test_malformed_framing_is_refused(self):
        for field in ("Content-Length: -5\r\n\r\n", "Content-Length: 1x\r\n\r\nab",
                      "Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with self.service.open_socket() as stream:
                stream.sendall(f"POST {ACTIONS}echo HTTP/1.1\r\nHost: localhost\r\n"
                               f"{field}".encode())
                self.assertRegex(service.read_until_closed(stream), rb"^HTTP/1.1 400 ")

    def test_noise_disturbs_nobody(self):
        for noise in (b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 100000, b"\r\n" * 1000):
            with self.service.open_socket() as stream:
                try:
                    stream.sendall(noise)
                except OSError:
                    pass  # closed already, which is fine
            self.assertEqual(self.service.get("/healthz").status, 200)


class Bodies(WithService):
    def test_the_largest_payload_is_accepted(self):
        payload = b"x" * service.PAYLOAD_BYTES_MAX
        answer = self.service.invoke("echo", payload, Accept="application/octet-stream")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, payload)

    def test_one_byte_more_is_too_large(self):
        answer = self.service.invoke("echo", b"x" * (service.PAYLOAD_BYTES_MAX + 1))
        self.assertEqual((answer.status, answer.error_code()), (413, "payload-too-large"))
        self.assertEqual(self.service.invoke("echo", b"x").status, 200)

    def test_an_announced_length_is_refused_before_the_body(self):
        for length in (service.PAYLOAD_BYTES_MAX + 1, 1 << 40):
            with self.service.open_socket() as stream:
                stream.sendall(f"POST {ACTIONS}echo HTTP/1.1\r\nHost: localhost\r\n"
                               f"Content-Length: {length}\r\n\r\n".encode())
                response = http.client.HTTPResponse(stream)
                response.begin()
                answer = service.Answer(response)
                self.assertEqual((length, answer.status), (length, 413))

    def test_chunks_beyond_the_limit_are_too_large(self):
        chunks = (b"x" * 65536 for _ in range(service.PAYLOAD_BYTES_MAX // 65536 + 1))
        answer = self.service.request("POST", ACTIONS + "echo", chunks)
        self.assertEqual((answer.status, answer.error_code()), (413, "payload-too-large"))

    def test_chunks_without_end_are_cut_off(self):
        sent = 0
        with self.service.open_socket() as stream:
            stream.sendall(f"POST {ACTIONS}echo HTTP/1.1\r\nHost: localhost\r\n"
                           f"Transfer-Encoding: chunked\r\n\r\n".encode())
            with self.assertRaises(OSError):
                while sent < 4096:
                    stream.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                    sent += 1
        self.assertLess(sent, 4096)
        self.assertEqual(self.service.get("/healthz").status, 200)

    def test_chunks_are_put_together(self):
        answer = self.service.request("POST", ACTIONS + "echo", (part for part in (b"a", b"bc", b"d")))
        self.assertEqual(answer.json()["data"], "abcd")

    def test_a_body_may_come_byte_by_byte(self):
        with self.service.open_socket() as stream:
            request = (f"POST {ACTIONS}echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                       f"Content-Length: 5\r\n\r\nhello").encode()
            stream.setsockopt(6, 1, 1)  # TCP_NODELAY: one segment per byte
            for at in range(len(request)):
                stream.sendall(request[at:at + 1])
            self.assertIn(b'"data":"hello"', service.read_until_closed(stream))

    def test_a_client_may_wait_for_100_continue(self):
        with self.service.open_socket() as stream:
            stream.sendall(f"POST {ACTIONS}echo HTTP/1.1\r\nHost: localhost\r\n"
                           f"Connection: close\r\nExpect: 100-continue\r\n"
                           f"Content-Length: 2\r\n\r\n".encode())
            self.assertTrue(stream.recv(25, 0x100).startswith(b"HTTP/1.1 100 "))
            stream.sendall(b"ok")
            self.assertIn(b'"data":"ok"', service.read_until_closed(stream))


class Connections(WithService):
    def test_a_connection_is_used_again(self):
        with self.service.connect() as connection:
            service.ask(connection, "GET", "/healthz")
            first = connection.sock
            for number in range(200):
                answer = service.ask(connection, "POST", ACTIONS + "echo", str(number).encode())
                self.assertEqual(answer.json()["data"], str(number))
            self.assertIs(connection.sock, first)

    def test_pipelined_requests_are_answered_in_order(self):
        one = "POST {}echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n{}\r\n{}"
        with self.service.open_socket() as stream:
            stream.sendall("".join(
                one.format(ACTIONS, "Connection: close\r\n" if number == 9 else "", number)
                for number in range(10)).encode())
            text = service.read_until_closed(stream).decode()
        bodies = [json.loads(part.split("\r\n\r\n")[1])["data"]
                  for part in text.split("HTTP/1.1 200 OK")[1:]]
        self.assertEqual(bodies, [str(number) for number in range(10)])

    def test_many_clients_get_their_own_answers(self):
        def talk(client):
            with self.service.connect() as connection:
                for number in range(20):
                    text = f"{client}:{number}"
                    capsule = "shared" if number % 2 else "guest"
                    answer = service.ask(connection, "POST",
                                         f"/v1/capsules/{capsule}/actions/echo", text.encode(),
                                         {"Bulkhead-Principal": f"client-{client}"})
                    if answer.json().get("data") != text:
                        return answer.body
            return None
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            self.assertEqual(list(pool.map(talk, range(32))), [None] * 32)

    def test_a_client_that_leaves_cancels_its_invocation(self):
        line = 'bulkhead_invocations_total{capsule="guest",action="sleep",outcome="cancelled"}'
        before = self.service.metric(line)
        for number in range(3):
            with self.service.open_socket() as stream:
                stream.sendall(f"POST {ACTIONS}sleep HTTP/1.1\r\nHost: localhost\r\n"
                               f"Content-Length: 0\r\n\r\n".encode())
                service.wait_until(
                    lambda: self.service.metric('bulkhead_pool_leased{capsule="guest"') > 0)
            service.wait_until(lambda: self.service.metric(line) == before + number + 1)
        self.assertEqual(self.service.invoke("echo", b"x").status, 200)


if __name__ == "__main__":
    unittest.main()
