#!/usr/bin/env -S python3 -B
"""bulkhead bench: what it prints. Times are reported, never tested."""
import json
import os
import re
import unittest

from tool import EXAMPLES, OK, USAGE, ToolTest

POOL_KEYS = {
    "mutex_pair_ns", "checkout_return_ns", "checkout_return_capped_ns",
    "checkout_return_affine_ns", "scaling_two_threads", "scaling_work_ratio",
    "scaling_no_work_ratio", "scaling_work_vs_empty", "scaling_no_work_vs_empty",
    "waiters_100_ns", "waiters_10000_ns", "waiters_100_steps", "waiters_10000_steps",
}


INVOKE_KEYS = {
    "pristine_ns", "shared_ns", "fresh_ns", "reference_pool_ns", "dirty_pages", "restore_ns",
    "memcpy_ns", "build_ns", "pss_bytes_per_instance", "warm_ns", "fresh_over_warm",
    "warm_16k_over_64", "fresh_over_pristine", "pristine_over_shared", "deadline_overshoot_ms",
    "pristine_after_64k_ns", "shared_after_64k_ns", "cold_build_ns", "verified", "mismatches",
}
RESTORE_KEYS = {
    "capsule", "rounds", "instances", "dirty_pages", "restore_ns", "memcpy_ns",
    "restore_over_memcpy", "heap_16_mib", "density",
}


# They compile with engines of their own, in threads that the sanitizer does not see synchronise.
skip_peers = unittest.skipIf(os.environ.get("BULKHEAD_SANITIZE") == "thread", "peers use threads")


class Bench(ToolTest):
    def bench(self, *arguments):
        result = self.run_tool("bench", *arguments)
        self.assertEqual(result.returncode, OK, result.stderr.decode())
        return result.stdout.decode()

    @skip_peers
    def test_invoke_reports_every_figure_and_verifies_every_restore(self):
        report = json.loads(self.bench("invoke", EXAMPLES / "echo", "--json", "--verify",
                                       "--rounds", "1", "--calls", "10"))
        self.assertEqual(INVOKE_KEYS - report.keys(), set())
        for key in ("pristine_ns", "shared_ns", "fresh_ns"):
            self.assertEqual([of["payload_bytes"] for of in report[key]], [64, 16384])
            self.assertTrue(all(of["median"] > 0 for of in report[key]), key)
        # Two rounds of two payloads, and two of one large call with 100 after it.
        self.assertEqual(report["verified"], 2 * 2 * 10 + 2 * 101)
        self.assertEqual(report["mismatches"], 0)

    @skip_peers
    def test_restore_reports_every_figure_and_its_limits(self):
        report = json.loads(self.bench("restore", EXAMPLES / "echo", "--json", "--rounds", "1"))
        self.assertEqual(report.keys(), RESTORE_KEYS)
        self.assertEqual(report["density"]["instances"], 5000)
        self.assertGreater(report["dirty_pages"], 0)
        self.assertGreater(report["heap_16_mib"]["fresh_over_pristine"], 0)

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

    def test_bus_reports_every_figure_as_json(self):
        report = json.loads(self.bench("bus", "--rounds", "1", "--json"))
        self.assertEqual([size["payload_bytes"] for size in report["guest"]], [64, 1024])
        for size in report["guest"]:
            self.assertGreater(size["message_over_call"]["median"], 0)
        self.assertEqual(report["bus"]["subscribers"], 200)
        self.assertGreater(report["bus"]["many_over_one"]["median"], 0)

    def test_bus_says_of_every_limit_whether_it_is_met(self):
        text = self.bench("bus", "--rounds", "1")
        self.assertEqual(len(re.findall(r"(?m) (?:ok|MISSED)$", text)), 3, text)

    def test_http_compares_a_capsule_with_libcurl(self):
        report = json.loads(self.bench("http", "--rounds", "1", "--json"))
        self.assertEqual(report["concurrent"], 32)
        for key in ("libcurl_requests_per_s", "client_requests_per_s", "capsule_requests_per_s",
                    "client_ratio", "capsule_ratio"):
            self.assertGreater(report[key]["median"], 0, key)
        text = self.bench("http", "--rounds", "1")
        self.assertEqual(len(re.findall(r"(?m) (?:ok|MISSED)$", text)), 1, text)

    def test_wrong_usage_is_refused(self):
        cases = [
            (["fly"], 'no bench "fly": the benches are: invoke, restore, pool'),
            (["invoke"], "expected invoke PATH"),
            (["invoke", "a", "b"], 'found "b"'),
            (["pool", "a"], 'expected only pool, found "a"'),
            (["pool", "--calls", "9"], "expected no --calls"),
            (["restore"], "expected restore PATH"),
            (["restore", "a", "--calls", "9"], "expected no --calls"),
            (["http", "a"], 'expected only http, found "a"'),
            (["http", "--verify"], "expected no --calls, --verify"),
            (["pool", "--verify"], "expected no --calls, --verify"),
            (["bus", "a"], 'expected only bus, found "a"'),
            (["bus", "--calls", "9"], "expected no --calls"),
            (["pool", "--rounds", "0"], "--rounds: expected 1 to 1000"),
        ]
        for arguments, text in cases:
            with self.subTest(arguments=arguments):
                self.assert_one_line_error(self.run_tool("bench", *arguments), USAGE, text)


if __name__ == "__main__":
    unittest.main()
