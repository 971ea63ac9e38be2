"""Runs the built tool as a user would, away from the user's own directories."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BULKHEAD_BUILD_DIR"]).resolve()
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BULKHEAD = BUILD / "bulkhead"
EXAMPLES = SOURCE / "examples"
OK, GUEST, USAGE, HOST = 0, 1, 2, 3

# One core module in the naming of the canonical ABI. Its hook tells actions apart by length:
# e = echo, no = answer without data, den = deny, trap = trap, spins = loop for ever,
# growth = grow memory until refused, then trap.
GUEST_WAT = """
(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  (data (i32.const 16) "continue")
  (data (i32.const 32) "deny")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $fail_on_purpose unreachable)
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 64) (i32.const 16))
    (i32.store (i32.const 68) (i32.const 8))
    (i32.store8 (i32.const 72) (i32.ne (local.get 1) (i32.const 2)))
    (i32.store (i32.const 76) (local.get 2))
    (i32.store (i32.const 80) (local.get 3))
    (if (i32.eq (local.get 1) (i32.const 3)) (then
      (i32.store (i32.const 64) (i32.const 32))
      (i32.store (i32.const 68) (i32.const 4))))
    (if (i32.eq (local.get 1) (i32.const 4)) (then (call $fail_on_purpose)))
    (if (i32.eq (local.get 1) (i32.const 5)) (then (loop $again (br $again))))
    (if (i32.eq (local.get 1) (i32.const 6)) (then
      (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))))
      unreachable))
    (i32.const 64))
  (func $stub)
  (export "run" (func $stub))
  (export "astrid-upgrade" (func $stub))
  (func (export "astrid-install")))
"""


class ToolTest(unittest.TestCase):
    """A fresh directory with a guest, and the tool with state and cache below it."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-cli-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("BULKHEAD")
        }
        self.environment["HOME"] = str(self.directory / "home")
        for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
            self.environment.pop(name, None)
        (self.directory / "home").mkdir()

    def guest(self, wat=GUEST_WAT, name="guest.wasm"):
        text = self.directory / (name + ".wat")
        text.write_text(wat)
        path = self.directory / name
        subprocess.run(["wat2wasm", "--debug-names", text, "-o", path], check=True)
        return path

    def capsule(self, manifest, name="guest"):
        """A capsule directory around the guest."""
        directory = self.directory / name
        directory.mkdir()
        shutil.move(self.guest(), directory / "guest.wasm")
        (directory / "Capsule.toml").write_text(manifest)
        return directory

    def run_tool(self, *arguments, input=b"", **options):
        return subprocess.run(
            [BULKHEAD, *map(str, arguments)], input=input, capture_output=True,
            env=self.environment, cwd=self.directory, timeout=120, **options)

    def assert_answers(self, result, output):
        self.assertEqual((result.returncode, result.stdout), (OK, output), result.stderr.decode())

    def assert_one_line_error(self, result, exit_status, text):
        """The promise of every error: its exit status, nothing on stdout, one line that helps."""
        errors = result.stderr.decode()
        self.assertEqual(result.returncode, exit_status, errors)
        self.assertEqual(result.stdout, b"")
        self.assertRegex(errors, r"\A[^\n]+\n\Z")
        self.assertTrue(errors.startswith("bulkhead"), errors)
        self.assertIn(text, errors)

    def json(self, result, exit_status=OK):
        self.assertEqual(result.returncode, exit_status, result.stderr.decode())
        return json.loads(result.stdout)
