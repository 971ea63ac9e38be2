#!/usr/bin/env python3
"""Guests that wait in every call that waits, when their capsule or their service ends: they are
told, whoever else is served goes on, and nothing of them is left."""
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import BUILD_DIR, Service, wait_until, write_capsule  # noqa: E402

WAITS = pathlib.Path(BUILD_DIR) / "tests" / "guests" / "waits.wasm"
MANIFEST = """[package]
name = "waits"
version = "1.0.0"
[[component]]
file = "guest.wasm"
[subscribe]
"never.*" = "x"
[capabilities]
net = ["127.0.0.1"]
fs_read = ["home://"]
fs_write = ["home://"]
"""
LOCAL = ("sleep", "recv", "block", "poll")
REMOTE = {"request": "/head", "open": "/head", "chunk": "/body", "stream": "/body"}


class Peer:
    """A server that answers a part, or nothing, and holds every connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open_count = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.hold, args=(stream,), daemon=True).start()

    def hold(self, stream):
        with stream:
            request = b""
            while b"\r\n\r\n" not in request:
                part = stream.recv(4096)
                if not part:
                    return
                request += part
            if b" /body " in request:
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
            self.open_count += 1
            try:
                while stream.recv(4096):
                    pass
            except OSError:
                pass
            self.open_count -= 1

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class PendingEnds(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name) / "capsules"
        self.root.mkdir()
        write_capsule(str(self.root), "waits", MANIFEST, str(WAITS))
        write_capsule(str(self.root), "other")
        self.peer = Peer()
        self.addCleanup(self.peer.close)
        profiles = pathlib.Path(directory.name) / "profiles.toml"
        profiles.write_text(f'[capsule.waits]\nprivate_hosts = ["127.0.0.1:{self.peer.port}"]\n')
        self.state = pathlib.Path(directory.name) / "state"
        self.service = Service(str(self.root), "--profiles", str(profiles), "--state",
                               str(self.state), "--drain-ms", "100", workers=1)
        self.addCleanup(self.service.__exit__)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.service.process.pid}/fd"))

    def left_in_tmp(self):
        """What leases left: below the directory of each runtime."""
        return [path for path in (self.state / "tmp").glob("*/*")]

    def all_wait(self):
        """One guest in each call that waits; the threads that get their answers, and those."""
        log_len, answers = len(self.service.read_log()), {}

        def ask(action, payload):
            try:
                answers[action] = self.service.invoke(action, payload, "waits",
                                                      Bulkhead_Principal=action)
            except OSError as error:
                answers[action] = error

        url = f"http://127.0.0.1:{self.peer.port}"
        payloads = {action: b"" for action in LOCAL}
        payloads.update({action: (url + path).encode() for action, path in REMOTE.items()})
        threads = [threading.Thread(target=ask, args=each) for each in payloads.items()]
        for thread in threads:
            thread.start()
        wait_until(lambda: all(f"waits in {action}" in self.service.read_log()[log_len:]
                               for action in payloads))
        wait_until(lambda: self.peer.open_count == len(REMOTE))
        self.assertEqual(answers, {})
        return threads, answers

    def test_an_unload_ends_every_wait_and_leaves_nothing(self):
        service = self.service
        descriptors = None  # after the first round, which opened what is kept
        for _ in range(3):
            threads, answers = self.all_wait()
            self.assertGreater(len(self.left_in_tmp()), 0)
            unload = service.request("POST", "/v1/capsules/waits/unload", None,
                                     {"Bulkhead-Drain-Ms": "50"})
            self.assertEqual((unload.status, unload.json()["cancelled"]), (200, len(threads)))
            for thread in threads:
                thread.join()
            self.assertEqual({action: (answer.status, answer.json()["outcome"])
                              for action, answer in answers.items()},
                             {action: (503, "cancelled") for action in answers})
            self.assertEqual(service.invoke("echo", b"x", "other").json()["data"], "x")
            self.assertEqual(service.metric("bulkhead_bus_subscribers"), 0)
            wait_until(lambda: self.peer.open_count == 0)
            wait_until(lambda: self.left_in_tmp() == [])
            reload = service.request("POST", "/v1/capsules/waits/reload")
            self.assertEqual(reload.json()["state"], "ready")
            descriptors = descriptors or self.descriptors()
            wait_until(lambda: self.descriptors() <= descriptors)

    def test_a_service_that_ends_tells_every_guest_that_waits(self):
        threads, answers = self.all_wait()
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.process.wait(60), 0, self.service.read_log())
        for thread in threads:
            thread.join()
        self.assertEqual({action: (answer.status, answer.json()["outcome"])
                          for action, answer in answers.items()},
                         {action: (503, "cancelled") for action in answers})
        wait_until(lambda: self.peer.open_count == 0)
        self.assertEqual(list((self.state / "tmp").iterdir()), [])
        self.assertEqual({path.name for path in (self.state / "home").glob("*/waits/held")},
                         {"held"})


if __name__ == "__main__":
    unittest.main()
