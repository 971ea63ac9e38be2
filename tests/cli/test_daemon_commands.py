#!/usr/bin/env -S python3 -B
"""reload, unload and top: what they ask a daemon, and what they print of its answer."""
import contextlib
import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import unittest

from tool import BULKHEAD, HOST, OK, USAGE, ToolTest

MANIFEST = """[package]
name = "mine"
version = "{version}"

[[component]]
file = "guest.wasm"
"""


class WithDaemon(ToolTest):
    def setUp(self):
        super().setUp()
        self.path = self.capsule(MANIFEST.format(version="1.0.0"), "mine")
        self.process = subprocess.Popen(
            [BULKHEAD, "serve", self.path, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=self.environment, cwd=self.directory)
        self.addCleanup(self.end)
        self.address = re.search(r"http://(\S+);", self.process.stdout.readline().decode())[1]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, OK)

    def ask(self, *arguments):
        return self.run_tool(*arguments, "--listen", self.address)

    def write_version(self, version):
        (self.path / "Capsule.toml").write_text(MANIFEST.format(version=version))


class Changing(WithDaemon):
    def test_reload_tells_the_old_and_the_new_version(self):
        self.write_version("2.0.0")
        result = self.ask("reload", "mine")
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertRegex(result.stdout.decode(), r"\Amine: 1\.0\.0 -> 2\.0\.0, loaded in [\d.]+ ms, "
                                                 r"drained in [\d.]+ ms, 0 cancelled\n\Z")
        self.write_version("3.0.0")
        body = self.json(self.ask("reload", "mine", "--json", "--drain-ms", "0"))
        self.assertEqual((body["old_version"], body["version"], body["state"]),
                         ("2.0.0", "3.0.0", "ready"))

    def test_unload_and_reload_undo_each_other(self):
        result = self.ask("unload", "mine")
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertRegex(result.stdout.decode(), r"\Amine: 1\.0\.0 -> nothing, drained in ")
        self.assertEqual(self.json(self.ask("unload", "mine", "--json"))["state"], "unloaded")
        self.assertRegex(self.ask("reload", "mine").stdout.decode(), r"\Amine: nothing -> 1\.0\.0, ")

    def test_what_the_daemon_refuses_is_said_in_its_words(self):
        self.assert_one_line_error(self.ask("reload", "nope"), HOST, 'no capsule is named "nope"')
        self.assert_one_line_error(self.ask("unload", "no/pe?"), USAGE, "not allowed")
        self.assert_one_line_error(self.ask("unload", ""), USAGE, "expected the name")
        self.write_version("not a version")
        self.assert_one_line_error(self.ask("reload", "mine"), HOST, "Capsule.toml:3:")
        self.assertEqual(self.json(self.ask("top", "--count", "1", "--json"))
                         ["capsules"][0]["state"], "ready")

    def test_top_shows_a_real_daemon(self):
        result = self.ask("top", "--count", "1")
        self.assertEqual(result.returncode, OK, result.stderr)
        head, row = result.stdout.decode().splitlines()
        self.assertEqual(head.split(), ["CAPSULE", "STATE", "LIVE", "IDLE", "WAIT", "LEASES/S",
                                        "WAITp50", "WAITp99", "RUNp50", "RUNp99", "CONDEMNED",
                                        "REFUSED"])
        self.assertEqual(row.split()[:2], ["mine", "ready"])


def capsule(name, leases, age_ms, run, **changes):
    stats = {"leases": leases, "is_breaker_open": False,
             "condemned": {"trapped": 3, "deadline": 1, "cancelled": 0},
             "refusals": {"saturated": 2, "over-cap": 0},
             "wait": {"count": leases, "sum_ns": 0, "buckets": [[512, leases]] if leases else []},
             "run": {"count": leases, "sum_ns": 0, "buckets": run}}
    stats.update(changes.pop("stats", {}))
    entry = {"name": name, "state": "ready", "version": "1", "reloads": 0, "age_ms": age_ms,
             "pool": {"live": 4, "idle": 1, "waiting": 7}, "stats": stats}
    entry.update(changes)
    return entry


class FakeDaemon(http.server.BaseHTTPRequestHandler):
    """Answers with the server's `answers`, one after the other, then with the last one."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Watching(ToolTest):
    def daemon(self, *answers):
        """Its address; an answer is a list of capsules, or bytes."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeDaemon)
        server.answers = [answer if isinstance(answer, tuple)
                          else (200, answer if isinstance(answer, bytes)
                                else json.dumps({"capsules": answer}).encode())
                          for answer in answers]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def end():
            server.shutdown()
            thread.join()
            server.server_close()
        self.addCleanup(end)
        return f"127.0.0.1:{server.server_address[1]}"

    def top(self, address, *arguments):
        result = self.run_tool("top", "--listen", address, "--interval-ms", "1", *arguments)
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        return result.stdout.decode()

    def samples(self, address, count):
        lines = self.top(address, "--count", str(count), "--json").splitlines()
        self.assertEqual(len(lines), count)
        return [json.loads(line)["capsules"] for line in lines]

    def test_the_first_sample_counts_since_the_load_and_the_next_since_the_one_before(self):
        first = capsule("a", 100, 10000, [[1024, 100]])
        second = capsule("a", 300, 12000, [[1024, 100], [4096, 200]])
        [[before], [after]] = self.samples(self.daemon([first], [second]), 2)
        self.assertEqual((before["leases_per_s"], before["interval_ms"]), (10, 10000))
        self.assertEqual(before["run"], {"count": 100, "p50_ns": 768, "p99_ns": 1018})
        self.assertEqual((after["leases_per_s"], after["interval_ms"]), (100, 2000))
        self.assertEqual(after["run"], {"count": 200, "p50_ns": 3072, "p99_ns": 4075})
        self.assertEqual(after["condemned"]["trapped"], 3)

    def test_a_version_that_was_loaded_since_begins_anew(self):
        first = capsule("a", 100, 10000, [[1024, 100]])
        reloaded = capsule("a", 150, 20000, [[1024, 150]], reloads=1)
        restarted = capsule("a", 30, 500, [[1024, 30]], reloads=1)
        rows = self.samples(self.daemon([first], [reloaded], [restarted]), 3)
        self.assertEqual([row["leases_per_s"] for [row] in rows], [10, 7.5, 60])
        self.assertEqual([row["run"]["count"] for [row] in rows], [100, 150, 30])

    def test_the_busiest_stands_first_and_what_is_not_loaded_last(self):
        rows = [capsule("busy", 500, 1000, []), capsule("calm", 1, 1000, []),
                {"name": "dead", "state": "failed", "reloads": 0, "error": {}},
                capsule("idle", 0, 1000, []), {"name": "out", "state": "unloaded", "reloads": 0}]
        lines = self.top(self.daemon(rows[::-1]), "--count", "1").splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         ["CAPSULE", "busy", "calm", "idle", "dead", "out"])
        self.assertEqual(lines[4].split(), ["dead", "failed"])

    def test_a_table_has_every_number_and_no_count_of_nothing(self):
        row = capsule("a", 100, 10000, [[1 << 20, 100]], stats={"is_breaker_open": True})
        lines = self.top(self.daemon([row]), "--count", "2").splitlines()
        self.assertEqual(lines[2], "")  # tables follow each other
        self.assertEqual(lines[1].split(), ["a", "breaker", "4", "1", "7", "10.0", "256ns", "506ns",
                                            "786us", "1.0ms", "trapped:3", "deadline:1",
                                            "saturated:2"])
        self.assertEqual(lines[4].split()[5:10], ["0.0", "-", "-", "-", "-"])

    def test_names_cannot_drive_the_terminal(self):
        row = {"name": "a\u001b[2J\nb\u009b", "state": "failed", "reloads": 0}
        output = self.top(self.daemon([row]), "--count", "1")
        self.assertEqual(output.splitlines()[1].split(), ["a?[2J?b??", "failed"])

    def test_the_longest_names_are_shown_whole(self):
        name = "a" * 64
        output = self.top(self.daemon([capsule(name, 1, 1000, [])]), "--count", "1")
        self.assertIn(f"\n{name}  ready ", output)

    def test_an_answer_that_is_not_the_daemons_is_an_error(self):
        for answer in (b"", b"hello", b"[]", b"{}", b'{"capsules":7}', b'{"capsules":[{}]}',
                       b'{"capsules":[7]}'):
            with self.subTest(answer=answer):
                result = self.run_tool("top", "--count", "1", "--listen", self.daemon(answer))
                self.assert_one_line_error(result, HOST, "")

    def test_numbers_that_make_no_sense_do_no_harm(self):
        row = capsule("a", -5, -1, [[-1, 3], ["x", 4], [1 << 62, 5], 7, []],
                      stats={"condemned": {"x" * 1000: 1, "y": 2}, "refusals": 3})
        [[sample], _] = self.samples(self.daemon([row], []), 2)
        self.assertEqual((sample["leases"], sample["run"]["count"]), (0, 12))
        self.top(self.daemon([row]), "--count", "1")

    def test_an_error_of_the_daemon_ends_it_in_the_daemons_words(self):
        error = (503, b'{"error":{"code":"draining","message":"the service is shutting down"}}')
        address = self.daemon([capsule("a", 1, 1000, [])], error)
        result = self.run_tool("top", "--listen", address, "--interval-ms", "1")
        self.assertEqual(result.returncode, HOST)
        self.assertEqual(len(result.stdout.splitlines()), 2)
        self.assertEqual(result.stderr, b"bulkhead top: the service is shutting down\n")

    def test_without_a_daemon_the_error_says_how_to_start_one(self):
        for command in (["top"], ["reload", "a"], ["unload", "a"]):
            with contextlib.closing(socket.socket()) as unused:
                unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
                address = f"127.0.0.1:{unused.getsockname()[1]}"
                result = self.run_tool(*command, "--listen", address)
            self.assert_one_line_error(result, HOST,
                                       f"nothing listens on {address}; start it with: "
                                       "bulkhead serve DIR")

    def test_only_daemons_of_this_machine_are_asked(self):
        for command in (["top"], ["reload", "a"], ["unload", "a"]):
            result = self.run_tool(*command, "--listen", "10.0.0.1:80")
            self.assert_one_line_error(result, USAGE, "loopback")

    def test_a_proxy_of_the_environment_is_not_asked(self):
        self.environment["http_proxy"] = "http://127.0.0.1:1"
        self.top(self.daemon([]), "--count", "1")

    def on_terminal(self, address, columns, rows):
        """Start top on a terminal of that size; the process and its side of the terminal."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen([BULKHEAD, "top", "--listen", address, "-i", "1"],
                                   stdout=slave, stderr=subprocess.PIPE, env=self.environment)
        os.close(slave)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, master

    def read_until(self, master, text):
        seen = b""
        while text not in seen:
            self.assertTrue(select.select([master], [], [], 60)[0], seen)
            seen += os.read(master, 65536)
        return seen

    def test_a_terminal_is_drawn_over_within_its_size_and_restored_by_a_signal(self):
        rows = [capsule(f"{number:02}-" + "x" * 60, 100 - number, 1000, []) for number in range(20)]
        process, master = self.on_terminal(self.daemon(rows), 80, 10)
        seen = self.read_until(master, b"\033[J\033[H")
        self.assertTrue(seen.startswith(b"\033[?25l"), seen)
        frame = seen.split(b"\033[H")[1].split(b"\033[J")[0].replace(b"\033[K", b"").decode()
        lines = frame.splitlines()
        self.assertEqual(len(lines), 9)  # the last line is the cursor's
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertRegex(lines[1], r"\A00-xxxxxxxxx  ready ")
        process.send_signal(signal.SIGINT)
        self.read_until(master, b"\033[?25h")
        self.assertEqual(process.wait(60), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
