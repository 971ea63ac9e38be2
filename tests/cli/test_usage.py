#!/usr/bin/env -S python3 -B
"""Help, versions, wrong command lines, completion and the manual page."""
import re
import shutil
import subprocess
import unittest

from tool import HOST, OK, SOURCE, USAGE, ToolTest

COMMANDS = ["serve", "invoke", "inspect", "new", "bench", "reload", "unload", "top",
            "publish", "events", "completion"]


class Usage(ToolTest):
    def options_of(self, command):
        text = self.run_tool(command, "--help").stdout.decode()
        return sorted(set(re.findall(r"^  (?:-\w, |    )--([a-z-]+)", text, re.M)))

    def test_help_names_every_command(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            result = self.run_tool(*arguments)
            self.assertEqual(result.returncode, OK)
            for command in COMMANDS:
                self.assertRegex(result.stdout.decode(), rf"(?m)^  {command} +\w")

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            texts = {self.run_tool(*arguments).stdout
                     for arguments in ([command, "--help"], [command, "-h"], ["help", command])}
            self.assertEqual(len(texts), 1)
            text = texts.pop().decode()
            self.assertIn(f"usage: bulkhead {command} [OPTIONS]", text)
            self.assertIn("--help", text)

    def test_help_fits_a_terminal(self):
        for arguments in [["--help"], *([command, "--help"] for command in COMMANDS)]:
            for line in self.run_tool(*arguments).stdout.decode().splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_version_names_the_engine(self):
        for option in ("--version", "-V"):
            result = self.run_tool(option)
            self.assertRegex(result.stdout.decode(),
                             r"\Abulkhead \d+\.\d+\.\d+ \(wasmtime \d+\.\d+\.\d+\)\n\Z")

    def test_no_command_is_wrong_usage(self):
        self.assert_one_line_error(self.run_tool(), USAGE, "bulkhead --help")

    def test_unknown_words_are_named(self):
        self.assert_one_line_error(self.run_tool("fly"), USAGE, 'no command "fly"')
        self.assert_one_line_error(self.run_tool("--fly"), USAGE, 'no option "--fly"')
        self.assert_one_line_error(self.run_tool("help", "fly"), USAGE, 'no command "fly"')
        for command in COMMANDS:
            self.assert_one_line_error(self.run_tool(command, "--fly"), USAGE,
                                       f"no option --fly: see bulkhead {command} --help")
        self.assert_one_line_error(self.run_tool("invoke", "-Q"), USAGE, "no option -Q")

    def test_options_are_checked(self):
        cases = [
            (["invoke", "a", "b", "--timeout"], "option --timeout needs a value"),
            (["invoke", "a", "b", "--json=1"], "option --json=1 takes no value"),
            (["invoke", "a", "b", "--timeout", "0"], "--timeout: expected 1 to 86400000"),
            (["invoke", "a", "b", "--timeout", "1s"], 'found "1s"'),
            (["invoke", "a", "b", "--fuel", "-1"], 'found "-1"'),
            (["invoke", "a", "b", "--fuel", "99999999999999999999"], "--fuel: expected 1 to"),
            (["invoke", "a", "b", "--memory", "4097"], "--memory: expected 1 to 4096"),
            (["invoke", "a", "b", "--state", ""], "expected a path"),
            (["serve", "a", "--workers", "0"], "--workers: expected 1 to"),
            (["serve", "a", "--log-level", "loud"], 'found "loud"'),
            (["reload", "a", "--drain-ms", "3600001"], "--drain-ms: expected 0 to 3600000"),
            (["top", "--interval-ms", "0"], "--interval-ms: expected 1 to"),
            (["top", "--count", "0"], "--count: expected 1 to"),
            (["publish", "a..b"], 'found "a..b"'),
            (["publish", "a.*"], 'found "a.*"'),
            (["publish", "a", "1", "--principal", "x\r\ny"], "--principal: expected 1 to 64"),
            (["publish", "a", "1", "--timeout", "5"], "--timeout with --wait"),
            (["publish", "a", "1", "--wait", "--timeout", "0"], "--timeout: expected 1 to"),
            (["events", "a b"], 'found "a b"'),
            (["events", "--count", "0"], "--count: expected 1 to"),
            (["events", "--all", "--principal", "x"], "only one of"),
            (["completion", "tcsh"], "expected bash, zsh or fish"),
        ]
        for arguments, text in cases:
            with self.subTest(arguments=arguments):
                self.assert_one_line_error(self.run_tool(*arguments), USAGE, text)

    def test_arguments_are_counted(self):
        cases = [
            (["invoke"], "expected PATH [ACTION]"),
            (["invoke", "a"], "expected PATH ACTION"),
            (["invoke", "a", "b", "c"], 'found "c"'),
            (["invoke", "a", "b", "--install"], "expected no ACTION"),
            (["invoke", "a", "--install", "--upgrade"], "only one of"),
            (["invoke", "a", "--install", "--payload", "x"], "expected no --payload"),
            (["inspect"], "expected PATH"),
            (["inspect", "a", "b"], 'found "b"'),
            (["serve"], "expected DIR"),
            (["new"], "expected NAME"),
            (["reload"], "expected NAME"),
            (["unload", "a", "b"], 'found "b"'),
            (["top", "a"], 'expected no argument, found "a"'),
            (["publish"], "expected TOPIC [PAYLOAD]"),
            (["publish", "a", "1", "2"], 'found "2"'),
            (["events", "a", "b"], 'found "b"'),
            (["completion"], "expected bash|zsh|fish"),
        ]
        for arguments, text in cases:
            with self.subTest(arguments=arguments):
                self.assert_one_line_error(self.run_tool(*arguments), USAGE, text)

    def test_error_about_hostile_text_is_one_line(self):
        result = self.run_tool("invoke\n\x1b[31m")
        self.assert_one_line_error(result, USAGE, "invoke??[31m")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([self.run_tool("--help").args[0], "--help"], stdout=full,
                                    stderr=subprocess.PIPE, env=self.environment, timeout=60)
        self.assertEqual(result.returncode, HOST)
        self.assertIn(b"cannot write to standard output", result.stderr)

    def test_completions_name_every_command_and_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.run_tool("completion", shell).stdout.decode()
            for command in COMMANDS:
                self.assertIn(command, script)
                for option in set(self.options_of(command)) - {"help"}:
                    self.assertRegex(script, rf"(--|-l ){option}\b", f"{shell} {command}")

    def test_bash_completion_completes(self):
        script = self.directory / "bulkhead.bash"
        script.write_bytes(self.run_tool("completion", "bash").stdout)

        def complete(*words):
            text = (f"source {script}; COMP_WORDS=({' '.join(words)}); "
                    f"COMP_CWORD={len(words) - 1}; _bulkhead; echo ${{COMPREPLY[@]}}")
            return subprocess.run(["bash", "-c", text], capture_output=True, check=True,
                                  cwd=self.directory).stdout.decode().split()
        self.assertEqual(complete("bulkhead", "inv"), ["invoke"])
        self.assertEqual(complete("bulkhead", "invoke", "--pay"), ["--payload"])
        self.assertEqual(complete("bulkhead", "completion", "f"), ["fish"])
        self.assertEqual(complete("bulkhead", "inspect", "bulkhead.b"), ["bulkhead.bash"])

    def test_other_completions_are_accepted_by_their_shells(self):
        for shell, option in (("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")):
            if shutil.which(shell) is None:
                continue
            script = self.directory / shell
            script.write_bytes(self.run_tool("completion", shell).stdout)
            subprocess.run([shell, option, script], check=True, env=self.environment)

    def test_manual_page_knows_every_command_and_option(self):
        page = (SOURCE / "docs/man/bulkhead.1").read_text()
        for command in COMMANDS:
            self.assertIn(f".It Cm {command}", page)
            for option in self.options_of(command):
                self.assertRegex(page, rf"(?m)^\.(It )?.*-{option}\b", f"{command} --{option}")


if __name__ == "__main__":
    unittest.main()
