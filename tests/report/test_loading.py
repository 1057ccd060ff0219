# SPDX-License-Identifier: MIT
"""Google Benchmark JSON -> rows: names, medians, spread, failures, parts of a run."""

import json
import unittest

from support import ReportTest, bench, document, fit

from report.loading import ReportError, load, merge


class Loading(ReportTest):
    def rows(self, *groups, **context):
        return load([self.file(document(*groups, **context))]).rows

    def test_a_name_is_taken_apart_whatever_google_benchmark_appends(self):
        for suffix in ("", "/manual_time", "/iterations:1/repeats:3/process_time/manual_time"):
            [row] = self.rows(fit("simd", 2.0, dtype="f64", n=5000, d=3, k=7, threads=2, suffix=suffix, label="simd/avx2"))
            self.assertEqual((row.group, row.dataset, row.dtype, row.n, row.d, row.k, row.backend, row.threads, row.isa),
                             ("fit", "blobs", "f64", 5000, 3, 7, "simd", 2, "avx2"))

    def test_a_data_set_from_a_file_may_have_slashes(self):
        [row] = self.rows(fit("simd", 2.0, dataset="file:/some/where/x.npy"))
        self.assertEqual((row.dataset, row.backend), ("file:/some/where/x.npy", "simd"))

    def test_kernel_and_seeding_names(self):
        kernel, seeding = self.rows(bench("kernel/assign/avx512/dtype:f32/d:16/k:64", 1.0),
                                    bench("seeding/k-means++/blobs/dtype:f64/n:10/d:2/k:3/threads:2/manual_time", 1.0))
        self.assertEqual((kernel.backend, kernel.isa, kernel.n, kernel.d, kernel.k), ("assign", "avx512", None, 16, 64))
        self.assertEqual((seeding.backend, seeding.dataset, seeding.dtype, seeding.threads), ("k-means++", "blobs", "f64", 2))

    def test_names_of_what_is_at_the_limit(self):
        suffix = "/iterations:1/process_time/manual_time"
        [row] = self.rows(bench("limit/iteration/avx2/corners/dtype:f32/n:100/d:16/k:4/threads:2" + suffix, 1.0, label="simd/avx2"))
        self.assertEqual((row.group, row.backend, row.isa, row.dataset, row.dtype, row.n, row.d, row.k, row.threads),
                         ("limit", "iteration", "avx2", "corners", "f32", 100, 16, 4, 2))

    def test_time_is_the_median_and_spread_the_range_over_it(self):
        [row] = self.rows(fit("simd", 4.0, 1.0, 2.0))
        self.assertAlmostEqual(row.seconds, 0.002)
        self.assertAlmostEqual(row.spread, 1.5)
        self.assertEqual(row.repetitions, 3)

    def test_time_units(self):
        for unit, factor in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)):
            rows = fit("simd", 3.0)
            rows[0]["time_unit"] = unit
            [row] = self.rows(rows)
            self.assertAlmostEqual(row.seconds / factor, 3.0)

    def test_aggregates_do_where_the_repetitions_were_not_written(self):
        name = "fit/blobs/dtype:f32/n:10/d:2/k:3/simd/threads:1"
        rows = []
        for aggregate, time in (("mean", 9.0), ("median", 8.0), ("stddev", 1.0), ("cv", 0.125)):
            rows.append({**bench(name, time, GFLOPs=5.0)[0], "name": f"{name}_{aggregate}", "run_type": "aggregate",
                         "aggregate_name": aggregate, "repetitions": 7})
        [row] = self.rows(rows)
        self.assertAlmostEqual(row.seconds, 0.008)
        self.assertEqual((row.spread, row.repetitions, row.counter("GFLOPs")), (0.125, 7, 5.0))

    def test_a_failed_benchmark_keeps_its_message_and_has_no_time(self):
        [row] = self.rows(fit("elkan", error="labels differ from naive's"))
        self.assertFalse(row.ok)
        self.assertEqual((row.error, row.seconds), ("labels differ from naive's", None))

    def test_one_failed_repetition_fails_the_row(self):
        [row] = self.rows(fit("elkan", 1.0) + fit("elkan", error="differs"))
        self.assertEqual(row.error, "differs")

    def test_repetitions_that_were_not_needed_do_not_count(self):
        from report.loading import compact

        parts = fit("simd", 2.0, 4.0, n_iter=5), fit("simd", error="enough: the repetitions before took long")
        [row] = self.rows(*parts)
        self.assertEqual((row.error, row.seconds, row.repetitions, row.counter("n_iter")), ("", 0.003, 2, 5))
        [short] = compact(document(*parts))["benchmarks"]
        self.assertEqual(short["times"], [2.0, 4.0])
        [failed] = self.rows(parts[0], parts[1], fit("simd", error="labels differ"))
        self.assertEqual(failed.error, "labels differ")

    def test_repetitions_measured_before_one_was_too_slow_count(self):
        from report.loading import compact

        late = fit("simd", error="skipped: it would take some 9 s; the limit of a run is 5 s")
        [row] = self.rows(fit("simd", 2.0, 4.0, n_iter=5), late)
        self.assertEqual((row.error, row.seconds, row.repetitions, row.counter("n_iter")), ("", 0.003, 2, 5))
        self.assertEqual(compact(document(fit("simd", 2.0), late))["benchmarks"][0]["times"], [2.0])
        [row] = self.rows(late, late)
        self.assertTrue(row.skipped)
        self.assertIn("the limit of a run is 5 s", row.error)

    def test_missing_counters_and_nonsense_are_none(self):
        [row] = self.rows(fit("simd", 1.0, GFLOPs=float("nan"), memory_bytes="many"))
        self.assertEqual((row.counter("GFLOPs"), row.counter("memory_bytes"), row.exact), (None, None, None))

    def test_our_iterations_are_told_from_google_benchmarks(self):
        text = json.dumps(document(fit("simd", 1.0)))
        [row] = load([self.file(text)]).rows
        self.assertIsNone(row.counter("n_iter"))
        ours = text.replace('"iterations": 1', '"iterations": 1, "iterations": 25')
        self.assertNotEqual(ours, text)
        [row] = load([self.file(ours)]).rows
        self.assertEqual(row.counter("n_iter"), 25)
        merged = self.file(merge([self.file(ours)]), "merged.json")
        self.assertEqual(load([merged]).rows[0].counter("n_iter"), 25)

    def test_unknown_names_are_kept_apart(self):
        run = load([self.file(document(fit("simd", 1.0), bench("BM_other/8", 1.0)))])
        self.assertEqual((len(run.rows), run.unknown), (1, ["BM_other/8"]))

    def test_rows_come_in_the_order_of_registration_not_of_the_shuffled_file(self):
        rows = [fit(b, 1.0) for b in ("elkan", "naive", "simd")]
        for [row], index in zip(rows, (2, 0, 1)):
            row["family_index"] = index
        run = load([self.file(document(*rows))])
        self.assertEqual(run.backends(), ["naive", "simd", "elkan"])

    def test_the_commit_says_whether_files_were_changed(self):
        for commit, shown in (("0123456789abcdef", "0123456789ab"), ("0123456789abcdef-dirty", "0123456789ab-dirty"), ("", "")):
            self.assertEqual(load([self.file(document(fit("simd", 1.0), git_commit=commit))]).commit(), shown)

    def test_ceilings(self):
        context = {"peak_gflops/avx2/f32/threads:2": "90.5", "read_bandwidth_gbs/threads:1": "12", "peak_gflops/scalar/f32/threads:2": 7, "peak_gflops/avx2/f64/threads:1": ""}
        run = load([self.file(document(fit("simd", 1.0), **context))])
        self.assertEqual(list(run.peaks().items()), [(("scalar", "f32", 2), 7.0), (("avx2", "f32", 2), 90.5)])
        self.assertEqual(run.bandwidths(), {1: 12.0})


class Merging(ReportTest):
    def test_parts_become_one_run_and_a_ceiling_is_the_highest_measured(self):
        key = "peak_gflops/avx2/f32/threads:1"
        one = self.file(document(fit("naive", 3.0), cpu_model="X", **{key: "90"}), "1.json")
        two = self.file(document(fit("simd", 1.0), cpu_model="X", suite="quick", **{key: "101"}), "2.json")
        run = load([one, two])
        self.assertEqual([row.backend for row in run.rows], ["naive", "simd"])
        self.assertEqual((run.context[key], run.text("suite")), ("101", "quick"))

    def test_parts_of_different_machines_or_commits_are_refused(self):
        for key in ("cpu_model", "isa", "integer_products", "git_commit"):
            paths = [self.file(document(fit("naive", 3.0), **{key: value}), f"{value}.json") for value in "XY"]
            with self.assertRaisesRegex(ReportError, key):
                merge(paths)

    def test_the_merged_file_is_named_after_machine_date_and_commit(self):
        source = self.file(document(fit("naive", 3.0), cpu_model="Some(R) Chip 7 CPU @ 2GHz", date="2026-03-02T01:02:03+00:00",
                                    git_commit="0123456789abcdef-dirty"))
        code, out, _ = self.report("--merge-into", self.folder, source)
        self.assertEqual((code, out.strip()), (0, str(self.folder / "some-chip-7-2ghz" / "2026-03-02-0123456789-dirty.json")))
        self.assertEqual(len(load([out.strip()]).rows), 1)


class BadInput(ReportTest):
    def test_errors_name_the_file_and_nothing_is_written(self):
        out = self.folder / "out"
        cases = {"{": "not JSON", "[]": "no 'benchmarks' list", '{"benchmarks": 3}': "no 'benchmarks' list",
                 '{"benchmarks": []}': "no benchmark of a known name",
                 json.dumps(document(bench("BM_x", 1.0))): "no benchmark of a known name"}
        for text, message in cases.items():
            path = self.file(text, "bad.json")
            code, _, err = self.report(path, "--out", out)
            self.assertEqual(code, 1, text)
            self.assertIn(message, err)
            self.assertIn("bad.json", err)
            self.assertFalse(out.exists())
        code, _, err = self.report(self.folder / "none.json", "--out", out)
        self.assertEqual(code, 1)
        self.assertIn("none.json", err)


if __name__ == "__main__":
    unittest.main()
