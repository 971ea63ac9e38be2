#!/usr/bin/env -S python3 -B
"""bulkhead inspect: what it says about the examples, the test guests and odd modules."""
import unittest

from tool import BUILD, EXAMPLES, HOST, OK, SOURCE, ToolTest

MANIFEST = """[package]
name = "guest"
version = "0.1.0"
description = "A guest."

[[component]]
file = "guest.wasm"

[capsule]
reuse = "principal"
live_max = 3

[capabilities]
net = ["example.org"]

[env.TOKEN]
type = "secret"
default = "s3cret"
"""


def imports(*rows):
    lines = "".join(f'(import "{module}" "{name}" (func {type}))' for module, name, type in rows)
    return f'(module {lines} (memory (export "memory") 1) (func (export "run")))'


class Inspect(ToolTest):
    def report(self, path):
        return self.json(self.run_tool("inspect", path, "--json"))

    def test_core_module_is_described(self):
        guest = self.guest()
        report = self.report(guest)
        self.assertEqual((report["name"], report["shape"]), ("guest", "core module"))
        self.assertEqual(report["bytes"], guest.stat().st_size)
        self.assertRegex(report["blake3"], r"\A[0-9a-f]{64}\Z")
        self.assertEqual(report["memories"], [{"min": 1, "max": None, "page_bytes": 65536}])
        self.assertEqual(report["imports"], [])
        self.assertEqual(report["restore"]["globals_mutable"], 1)
        self.assertIsNone(report["manifest"])

    def test_entry_points_that_share_a_function_are_stubs(self):
        self.assertEqual(self.report(self.guest())["entry_points"],
                         {"astrid-hook-trigger": "present", "astrid-install": "present",
                          "astrid-upgrade": "stub", "run": "stub"})

    def test_manifest_is_summed_up_without_secrets(self):
        directory = self.capsule(MANIFEST)
        manifest = self.report(directory)["manifest"]
        self.assertEqual((manifest["reuse"], manifest["live_max"], manifest["min_idle"]),
                         ("principal", 3, 1))
        self.assertEqual(manifest["capabilities"], ["net"])
        self.assertEqual(manifest["env"],
                         [{"name": "TOKEN", "type": "secret", "value": "default"}])
        for arguments in ([], ["--json"]):
            result = self.run_tool("inspect", directory, *arguments)
            self.assertNotIn(b"s3cret", result.stdout + result.stderr)

    def test_text_says_what_the_json_says(self):
        directory = self.capsule(MANIFEST)
        report = self.report(directory)
        text = self.run_tool("inspect", directory).stdout.decode()
        self.assertTrue(text.startswith("guest 0.1.0 - A guest.\n"), text)
        for value in (report["blake3"], report["shape"], "principal", "at most 3",
                      "astrid-upgrade (stub)", "TOKEN (secret): default",
                      report["restore"]["state"]):
            self.assertIn(value, text)
        self.assertNotIn("\0", text)

    def test_imports_say_whether_they_are_provided(self):
        guest = self.guest(imports(
            ("astrid:kv/host@1.0.0", "kv-get", "(param i32 i32 i32)"),
            ("astrid:kv/host@1.0.0", "kv-set", "(param i32)"),
            ("astrid:kv/host@9.0.0", "kv-get", "(param i32 i32 i32)"),
            ("astrid:kv/host@1.0.0", "kv-fly", ""),
            ("wasi_snapshot_preview1", "fd_write", "")), "imports.wasm")
        found = [(row["interface"], row["name"], row["status"])
                 for row in self.report(guest)["imports"]]
        self.assertEqual(found, [
            ("astrid:kv/host@1.0.0", "kv-get", "provided"),
            ("astrid:kv/host@1.0.0", "kv-set", "another type is provided: does not link"),
            ("astrid:kv/host@9.0.0", "kv-get", "another version is provided: does not link"),
            ("astrid:kv/host@1.0.0", "kv-fly", "unknown: does not link"),
            ("wasi_snapshot_preview1", "fd_write", "unknown: does not link")])
        self.assertEqual(self.run_tool("inspect", guest).returncode, OK)

    def test_import_of_an_interface_to_come_is_marked(self):
        guest = self.guest(imports(("astrid:net/host@1.0.0", "[resource-drop]tcp-stream",
                                    "(param i32)")), "later.wasm")
        self.assertEqual(self.report(guest)["imports"][0]["status"],
                         "not implemented yet: a call traps")

    def test_state_that_cannot_be_restored_says_why(self):
        guest = self.guest("""(module (memory (export "memory") 1) (table 1 funcref) (elem declare func $f)
            (func $f) (func (export "run") (drop (table.grow 0 (ref.func $f) (i32.const 1)))))""",
                           "grows.wasm")
        report = self.report(guest)
        self.assertNotEqual(report["restore"]["state"], "yes")
        self.assertNotEqual(report["restore"]["reason"], "")
        self.assertEqual(report["tables"], [{"min": 1, "max": None}])

    def test_every_example_and_test_guest_is_described(self):
        capsules = [path.parent for path in EXAMPLES.glob("*/Capsule.toml")]
        guests = sorted((BUILD / "tests/guests").glob("*.wasm"))
        self.assertGreaterEqual(len(capsules), 4)
        self.assertGreater(len(guests), 0)
        for path in [*capsules, *guests]:
            with self.subTest(path=path.name):
                result = self.run_tool("inspect", path)
                if path.name.startswith("wrong_") and result.returncode != OK:
                    self.assert_one_line_error(result, HOST, path.name)
                    continue
                self.assertEqual(result.returncode, OK, result.stderr.decode())
                self.assertIn(self.report(path)["blake3"], result.stdout.decode())

    def test_examples_link(self):
        for name in ("echo", "fetch-cache", "redact", "visits", "webhook"):
            report = self.report(EXAMPLES / name)
            self.assertEqual(report["entry_points"]["astrid-hook-trigger"], "present")
            self.assertEqual({row["status"] for row in report["imports"]} - {"provided"}, set())

    def test_what_is_no_capsule_is_refused_in_one_line(self):
        (self.directory / "text.wasm").write_text("hello there")
        self.assert_one_line_error(self.run_tool("inspect", "text.wasm"), HOST, "text.wasm")
        self.assert_one_line_error(self.run_tool("inspect", "nowhere"), HOST, "does not exist")

    def test_hostile_names_do_not_reach_the_terminal(self):
        guest = self.guest('(module (memory (export "memory") 1)'
                           ' (func (export "run")) (func (export "\\1b[31m\\0aX")))', "odd.wasm")
        result = self.run_tool("inspect", guest)
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        self.assertNotIn(b"\x1b", result.stdout)


if __name__ == "__main__":
    unittest.main()
