#!/usr/bin/env -S python3 -B
"""bulkhead invoke: payloads in, data and outcomes out."""
import json
import os
import unittest

from tool import EXAMPLES, GUEST, HOST, OK, USAGE, ToolTest

MANIFEST = """[package]
name = "guest"
version = "0.1.0"

[[component]]
file = "guest.wasm"
"""


class Invoke(ToolTest):
    def test_payload_is_text_a_file_or_standard_input(self):
        guest = self.guest()
        (self.directory / "letter.txt").write_text("from a file")
        self.assert_answers(self.run_tool("invoke", guest, "e", "--payload", "as text"), b"as text")
        self.assert_answers(self.run_tool("invoke", guest, "e", "-p", "@letter.txt"),
                            b"from a file")
        self.assert_answers(self.run_tool("invoke", guest, "e", "--payload", "-", input=b"piped"),
                            b"piped")
        self.assert_answers(self.run_tool("invoke", guest, "e"), b"")

    def test_large_payload_comes_through_a_pipe_unchanged(self):
        payload = ("äöü€" * 40000).encode()
        result = self.run_tool("invoke", self.guest(), "e", "-p", "-", input=payload)
        self.assertEqual(result.returncode, GUEST)  # over the guest's one page of memory
        payload = payload[:49995]  # whole characters
        self.assert_answers(self.run_tool("invoke", self.guest(), "e", "-p", "-", input=payload),
                            payload)

    def test_payload_over_the_limit_is_refused(self):
        big = self.directory / "big"
        with open(big, "wb") as file:
            file.truncate((8 << 20) + 1)
        self.assert_one_line_error(self.run_tool("invoke", self.guest(), "e", "-p", f"@{big}"),
                                   HOST, "at most 8388608 bytes")

    def test_options_may_stand_anywhere(self):
        guest = self.guest()
        self.assert_answers(self.run_tool("invoke", "-p", "x", guest, "e"), b"x")
        self.assert_answers(self.run_tool("invoke", guest, "-px", "--", "e"), b"x")

    def test_json_has_outcome_data_and_timings(self):
        answer = self.json(self.run_tool("invoke", self.guest(), "e", "-p", "hällo", "--json"))
        self.assertEqual((answer["outcome"], answer["action"], answer["data"]),
                         ("returned", "continue", "hällo"))
        self.assertEqual(set(answer["timings"]), {"wait_ns", "run_ns", "restore_ns"})
        self.assertGreater(answer["timings"]["run_ns"], 0)
        self.assertGreater(answer["fuel_used"], 0)
        self.assertEqual((answer["message"], answer["backtrace"]), ("", ""))

    def test_answer_without_data_is_null_and_said(self):
        guest = self.guest()
        self.assertIsNone(self.json(self.run_tool("invoke", guest, "no", "--json"))["data"])
        result = self.run_tool("invoke", guest, "no")
        self.assert_answers(result, b"")
        self.assertIn(b'answered "continue"', result.stderr)

    def test_denial_is_said_on_standard_error(self):
        result = self.run_tool("invoke", self.guest(), "den", "-p", "reason")
        self.assert_answers(result, b"reason")
        self.assertIn(b'answered "deny"', result.stderr)

    def test_trap_is_told_with_a_backtrace(self):
        result = self.run_tool("invoke", self.guest(), "trap")
        self.assertEqual((result.returncode, result.stdout), (GUEST, b""))
        lines = result.stderr.decode().splitlines()
        self.assertRegex(lines[0], r"^bulkhead invoke: trapped: .*unreachable")
        self.assertTrue(any("fail_on_purpose" in line for line in lines[1:]), lines)

    def test_json_tells_a_trap_and_the_exit_status_too(self):
        answer = self.json(self.run_tool("invoke", self.guest(), "trap", "--json"), GUEST)
        self.assertEqual(answer["outcome"], "trapped")
        self.assertIn("unreachable", answer["message"])
        self.assertIn("fail_on_purpose", answer["backtrace"])

    def test_call_of_a_function_to_come_traps_by_name(self):
        guest = self.guest("""(module
            (import "astrid:net/host@1.0.0" "[resource-drop]tcp-stream" (func $drop (param i32)))
            (memory (export "memory") 1)
            (func (export "astrid-install") (call $drop (i32.const 1))))""", "later.wasm")
        result = self.run_tool("invoke", guest, "--install")
        self.assertEqual((result.returncode, result.stdout), (GUEST, b""))
        self.assertIn("astrid:net/host", result.stderr.decode().splitlines()[0])

    def test_limits_end_a_call(self):
        guest = self.guest()
        cases = [(["spins", "--timeout", "50"], "deadline"),
                 (["spins", "--fuel", "100000"], "out-of-fuel"),
                 (["growth", "--memory", "2"], "memory-limit")]
        for arguments, outcome in cases:
            with self.subTest(outcome=outcome):
                answer = self.json(self.run_tool("invoke", guest, *arguments, "--json"), GUEST)
                self.assertEqual(answer["outcome"], outcome)

    def test_other_entry_points_run(self):
        guest = self.guest()
        self.assert_answers(self.run_tool("invoke", guest, "--install"), b"")
        self.assert_answers(self.run_tool("invoke", guest, "--upgrade"), b"")
        answer = self.json(self.run_tool("invoke", guest, "--install", "--json"))
        self.assertEqual((answer["outcome"], answer["data"]), ("returned", None))

    def test_missing_entry_point_is_named(self):
        hookless = self.guest('(module (memory (export "memory") 1) (func (export "run")))',
                              "hookless.wasm")
        self.assert_one_line_error(self.run_tool("invoke", hookless, "--install"), HOST,
                                   "astrid-install")

    def test_bad_principal_is_wrong_usage(self):
        guest = self.guest()
        for principal in ("", "a b", "a" * 65, "ä", "../x"):
            with self.subTest(principal=principal):
                self.assert_one_line_error(
                    self.run_tool("invoke", guest, "e", "--principal", principal), USAGE,
                    "principal")
        self.assert_answers(self.run_tool("invoke", guest, "e", "-P", "a" * 64, "-p", "x"), b"x")

    def test_wrong_paths_are_named(self):
        (self.directory / "empty").mkdir()
        (self.directory / "text.txt").write_text("x")
        cases = [("nowhere", HOST, "nowhere does not exist"),
                 ("empty", HOST, "empty/Capsule.toml does not exist"),
                 ("text.txt", USAGE, "expected a capsule directory or a .wasm file"),
                 ("", HOST, "does not exist")]
        for path, exit_status, text in cases:
            with self.subTest(path=path):
                self.assert_one_line_error(self.run_tool("invoke", path, "e"), exit_status, text)
        self.assert_one_line_error(self.run_tool("invoke", self.guest(), "e", "-p", "@nowhere"),
                                   HOST, "no payload file nowhere")

    def test_corrupt_module_is_refused_in_one_line(self):
        for name, content in (("short.wasm", b"\0asm"), ("text.wasm", b"hello"), ("no.wasm", b"")):
            (self.directory / name).write_bytes(content)
            self.assert_one_line_error(self.run_tool("invoke", name, "e"), HOST, name[:-5])

    def test_bad_manifest_is_refused_with_its_place(self):
        directory = self.capsule(MANIFEST + '[capsule]\nruse = "never"\n')
        self.assert_one_line_error(
            self.run_tool("invoke", directory, "e"), HOST,
            'guest/Capsule.toml:8:1: unknown key "ruse" in [capsule]: did you mean "reuse"?')

    def test_capsule_directory_answers(self):
        self.assert_answers(self.run_tool("invoke", self.capsule(MANIFEST), "e", "-p", "x"), b"x")

    def test_state_and_cache_go_where_they_are_told(self):
        guest = self.guest()
        self.assert_answers(self.run_tool("invoke", guest, "e", "-p", "x", "--state", "s",
                                          "--cache", "c"), b"x")
        self.assertTrue(any((self.directory / "s").rglob("*")))
        self.assertTrue(any((self.directory / "c").rglob("*")))
        self.assertFalse(any((self.directory / "home").rglob("*")))
        self.assert_answers(self.run_tool("invoke", guest, "e", "-p", "x", "--no-cache"), b"x")
        self.assertTrue((self.directory / "home/.local/state/bulkhead").is_dir())
        self.assertFalse((self.directory / "home/.cache").exists())

    def test_without_a_home_the_state_directory_is_asked_for(self):
        guest = self.guest()
        del self.environment["HOME"]
        result = self.run_tool("invoke", guest, "e", "-p", "x", "--state", "s")
        self.assert_answers(result, b"x")
        self.environment["HOME"] = ""
        self.assert_answers(self.run_tool("invoke", guest, "e", "-p", "x", "--state", "s"), b"x")

    def test_examples_answer_as_they_say(self):
        for name in ("echo", "redact", "visits", "webhook"):
            directory = EXAMPLES / name
            action = (directory / "README.md").read_text().split(f"examples/{name} ")[1].split()[0]
            payload = next(directory.glob("payload.*"))
            expected = json.loads((directory / "expected.json").read_text())
            with self.subTest(example=name):
                answer = self.json(self.run_tool("invoke", directory, action, "--payload",
                                                 f"@{payload}", "--json"))
                self.assertEqual({"action": answer["action"], "data": answer["data"]}, expected)

    def test_visits_are_counted_for_each_principal(self):
        def visit(principal):
            result = self.run_tool("invoke", EXAMPLES / "visits", "count", "-P", principal)
            return json.loads(result.stdout)["visits"]
        self.assertEqual([visit("ada"), visit("ada"), visit("bob"), visit("ada")], [1, 2, 1, 3])

    def test_operator_value_reaches_the_capsule(self):
        self.environment["BULKHEAD_CONFIG_WEBHOOK__WEBHOOK_SECRET"] = "another"
        answer = self.json(self.run_tool("invoke", EXAMPLES / "webhook", "delivery", "--payload",
                                         f"@{EXAMPLES}/webhook/payload.json", "--json"))
        self.assertEqual(answer["action"], "deny")


if __name__ == "__main__":
    unittest.main()
