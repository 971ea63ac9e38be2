#!/usr/bin/env -S python3 -B
"""bulkhead new: the capsule it makes builds and answers."""
import os
import subprocess
import unittest

from tool import BULKHEAD, OK, USAGE, ToolTest


class New(ToolTest):
    def make(self, *arguments):
        return subprocess.run(["make", *map(str, arguments)], capture_output=True,
                              env=self.environment, cwd=self.directory, timeout=300)

    def test_new_capsule_builds_and_answers(self):
        result = self.run_tool("new", "hello")
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        self.assertIn(b"make -C hello && bulkhead invoke hello hello", result.stdout)
        built = self.make("-C", "hello")
        self.assertEqual(built.returncode, OK, built.stderr.decode())
        self.assert_answers(self.run_tool("invoke", "hello", "hello"), b'{"text":"Hello, world!"}')
        self.assert_answers(
            self.run_tool("invoke", "hello", "hello", "--payload", '{"name": "\\"Ada\\""}'),
            b'{"text":"Hello, \\"Ada\\"!"}')
        denied = self.run_tool("invoke", "hello", "hello", "--payload", "[")
        self.assertIn(b'answered "deny"', denied.stderr)
        self.environment["BULKHEAD_CONFIG_HELLO__GREETING"] = "Hi"
        self.assert_answers(self.run_tool("invoke", "hello", "hello"), b'{"text":"Hi, world!"}')

    def test_new_capsule_passes_its_own_test_and_notices_a_change(self):
        self.assertEqual(self.run_tool("new", "hello").returncode, OK)
        tested = self.make("-C", "hello", "test", f"BULKHEAD={BULKHEAD}")
        self.assertEqual(tested.returncode, OK, tested.stderr.decode())
        (self.directory / "hello/expected.json").write_text('{"text":"Bye"}\n')
        self.assertNotEqual(self.make("-C", "hello", "test", f"BULKHEAD={BULKHEAD}").returncode, OK)

    def test_directory_option_says_where(self):
        (self.directory / "some dir").mkdir()
        result = self.run_tool("new", "a-1", "--directory", "some dir")
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        self.assertEqual(sorted(os.listdir(self.directory / "some dir/a-1")),
                         [".gitignore", "Capsule.toml", "Makefile", "README.md", "a-1.c",
                          "expected.json", "payload.json"])
        readme = (self.directory / "some dir/a-1/README.md").read_text()
        self.assertIn("BULKHEAD_CONFIG_A_1__GREETING", readme)
        self.assertNotIn("@NAME@", readme)

    def test_existing_directory_is_left_alone(self):
        (self.directory / "hello").mkdir()
        self.assert_one_line_error(self.run_tool("new", "hello"), USAGE, "exists already")
        self.assertEqual(os.listdir(self.directory / "hello"), [])

    def test_bad_names_are_refused(self):
        for name in ("", "Hello", "a_b", "../a", "a/b", "a b", "a--b", "a-", "a" * 65):
            with self.subTest(name=name):
                self.assert_one_line_error(self.run_tool("new", "--", name), USAGE, "expected a name")
        self.assert_one_line_error(self.run_tool("new", "--", "-a"), USAGE, "expected a name")
        self.assertEqual(os.listdir(self.directory), ["home"])


if __name__ == "__main__":
    unittest.main()
