#!/usr/bin/env -S python3 -B
"""bulkhead bench: what it prints. Times are reported, never tested."""
import json
import re
import unittest

from tool import OK, USAGE, ToolTest

POOL_KEYS = {
    "mutex_pair_ns", "checkout_return_ns", "checkout_return_capped_ns",
    "checkout_return_affine_ns", "scaling_two_threads", "scaling_work_ratio",
    "scaling_no_work_ratio", "scaling_work_vs_empty", "scaling_no_work_vs_empty",
    "waiters_100_ns", "waiters_10000_ns", "waiters_100_steps", "waiters_10000_steps",
}


class Bench(ToolTest):
    def bench_pool(self, *options):
        result = self.run_tool("bench", "pool", "--rounds", "1", *options)
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        return result.stdout.decode()

    def test_pool_reports_every_figure_as_json(self):
        report = json.loads(self.bench_pool("--json"))
        self.assertEqual(report.keys(), POOL_KEYS | {"rounds", "spreads"})
        self.assertEqual(report["rounds"], 1)
        self.assertEqual(report["spreads"].keys(), POOL_KEYS - {"scaling_two_threads"})
        for key in POOL_KEYS:
            self.assertGreater(report[key], 0, key)
        self.assertEqual(report["scaling_two_threads"],
                         min(report["scaling_work_ratio"], report["scaling_no_work_ratio"]))

    def test_pool_takes_as_many_list_steps_with_10000_waiters_as_with_100(self):
        report = json.loads(self.bench_pool("--json"))
        self.assertAlmostEqual(report["waiters_10000_steps"], report["waiters_100_steps"], 2)

    def test_pool_says_of_every_limit_whether_it_is_met(self):
        text = self.bench_pool()
        self.assertEqual(len(re.findall(r"(?m) (?:ok|MISSED)$", text)), 7, text)
        for key in POOL_KEYS - {"scaling_two_threads"}:
            self.assertRegex(text, rf"(?m)^{key} +[0-9.]+ ")

    def test_wrong_usage_is_refused(self):
        cases = [
            (["fly"], 'no bench "fly": the benches are: invoke, restore, pool'),
            (["invoke"], "expected invoke PATH"),
            (["invoke", "a", "b"], 'found "b"'),
            (["pool", "a"], 'expected only pool, found "a"'),
            (["pool", "--calls", "9"], "expected no --calls"),
            (["restore"], "expected restore PATH"),
            (["restore", "a", "--calls", "9"], "expected no --calls"),
            (["pool", "--verify"], "expected no --calls, --verify"),
            (["pool", "--rounds", "0"], "--rounds: expected 1 to 1000"),
        ]
        for arguments, text in cases:
            with self.subTest(arguments=arguments):
                self.assert_one_line_error(self.run_tool("bench", *arguments), USAGE, text)


if __name__ == "__main__":
    unittest.main()
