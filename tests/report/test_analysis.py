# SPDX-License-Identifier: MIT
"""Speed-ups, headline figures, slices: against numbers worked out by hand."""

import unittest

from support import ReportTest, bench, document, fit

from report.analysis import Analysis, distances_saved


class AnalysisTest(ReportTest):
    def analysis(self, *groups, **context):
        from report.loading import load

        return Analysis(load([self.file(document(*groups, **context))]))

    def row(self, analysis, backend, **fields):
        [row] = [r for r in analysis.run.rows
                 if r.backend == backend and all(getattr(r, key) == value for key, value in fields.items())]
        return row


class Speedups(AnalysisTest):
    def test_the_baseline_is_at_the_same_thread_count_or_on_one_thread(self):
        a = self.analysis(fit("naive", 100.0), fit("simd", 10.0), fit("simd", 5.0, threads=2), fit("elkan", 1.0, threads=2),
                          fit("openmp", 50.0, threads=2))
        elkan = self.row(a, "elkan")
        self.assertAlmostEqual(a.speedup(elkan, "naive"), 100.0)
        self.assertAlmostEqual(a.speedup(elkan, "simd"), 5.0)
        self.assertIsNone(a.speedup(elkan, "textbook"))
        # openmp has two threads only: no fair baseline for a row on one.
        self.assertIsNone(a.speedup(self.row(a, "simd", threads=1), "openmp"))

    def test_only_the_same_problem_counts(self):
        a = self.analysis(fit("naive", 100.0), *(fit("simd", 1.0, **{key: other}) for key, other in
                          (("dataset", "grid"), ("dtype", "f64"), ("n", 7), ("d", 7), ("k", 7), ("group", "assign"))))
        self.assertEqual([a.speedup(r, "naive") for r in a.run.rows if r.backend == "simd"], [None] * 6)

    def test_different_iteration_counts_compare_the_time_of_one(self):
        a = self.analysis(fit("naive", 100.0, n_iter=10, seconds_per_iteration=0.01),
                          fit("textbook", 40.0, n_iter=20, seconds_per_iteration=0.002),
                          fit("simd", 10.0, n_iter=10, seconds_per_iteration=0.0005))
        self.assertAlmostEqual(a.speedup(self.row(a, "textbook"), "naive"), 5.0)
        self.assertAlmostEqual(a.speedup(self.row(a, "simd"), "naive"), 10.0)  # same count: whole times

    def test_a_failed_baseline_or_row_gives_none(self):
        a = self.analysis(fit("naive", error="skipped"), fit("simd", 10.0), fit("elkan", error="differs"))
        self.assertIsNone(a.speedup(self.row(a, "simd"), "naive"))
        self.assertIsNone(a.speedup(self.row(a, "elkan"), "simd"))

    def test_distances_saved(self):
        a = self.analysis(fit("elkan", 1.0, distances_share=0.25), fit("simd", 1.0))
        self.assertAlmostEqual(distances_saved(self.row(a, "elkan")), 0.75)
        self.assertIsNone(distances_saved(self.row(a, "simd")))


class Headlines(AnalysisTest):
    def setUp(self):
        super().setUp()
        rows = []
        for k, naive, simd, elkan, auto in ((8, 80.0, 10.0, 20.0, 16.0), (64, 90.0, 15.0, 5.0, 5.0)):
            rows += [fit("naive", naive, k=k, exact=1), fit("textbook", 1.0, k=k, exact=0), fit("simd", simd, k=k, exact=1),
                     fit("elkan", elkan, k=k, exact=1), fit("auto", auto, k=k, exact=1)]
        rows.append(fit("simd", error="differs", k=512, exact=1))
        self.found = {(h.contender, h.baseline, h.threads): h for h in self.analysis(*rows).headlines()}

    def test_geometric_mean_and_worst_over_the_problems(self):
        best = self.found[("fastest exact", "naive", 1)]
        self.assertAlmostEqual(best.geomean, (8.0 * 18.0) ** 0.5)  # simd at k 8, elkan at k 64
        self.assertAlmostEqual(best.worst, 8.0)
        self.assertEqual((best.worst_row.backend, best.worst_row.k, best.count), ("simd", 8, 2))

    def test_auto_stands_for_itself(self):
        auto = self.found[("auto", "simd", 1)]
        self.assertAlmostEqual(auto.worst, 0.625)
        self.assertAlmostEqual(auto.geomean, (0.625 * 3.0) ** 0.5)

    def test_what_is_not_exact_never_wins(self):
        self.assertAlmostEqual(self.found[("fastest exact", "textbook", 1)].worst, 0.1)


class Slices(AnalysisTest):
    def test_the_sweep_with_the_most_sizes_is_shown(self):
        a = self.analysis(*(fit("simd", float(k), k=k) for k in (64, 8, 16)), *(fit("simd", 9.0, dataset="grid", k=k) for k in (8, 16)),
                          *(fit("simd", k / 2.0, k=k, threads=2) for k in (8, 16, 64)))
        fixed, lines = a.sweep("k")
        self.assertEqual(fixed, {"dataset": "blobs", "dtype": "f32", "n": 1000, "d": 16})
        self.assertEqual(lines, {"simd": (2, [(8, 0.004), (16, 0.008), (64, 0.032)])})
        self.assertIsNone(a.sweep("n"))

    def test_thread_scaling_is_over_problems_measured_at_both(self):
        a = self.analysis(fit("simd", 8.0), fit("simd", 4.0, threads=2), fit("simd", 9.0, k=64), fit("naive", 9.0))
        self.assertEqual(a.thread_scaling("f32"), {"simd": {1: 1.0, 2: 2.0}})
        self.assertEqual(a.thread_scaling("f64"), {})

    def test_peak_share_and_intensity(self):
        peaks = {"peak_gflops/avx2/f32/threads:1": "100"}
        a = self.analysis(fit("simd", 1.0, GFLOPs=25.0, label="simd/avx2"), fit("elkan", 1.0, GFLOPs=5.0, peak_share=0.5, label="elkan/avx2"),
                          bench("kernel/assign/avx2/dtype:f32/d:16/k:8", 1.0, GFLOPs=50.0, bytes_per_second=25e9), **peaks)
        simd, elkan, kernel = a.run.rows
        self.assertEqual([a.peak_share(r) for r in (simd, elkan, kernel)], [0.25, 0.5, 0.5])
        # 2nkd operations over samples, centroids (4 bytes each) and labels (4 bytes), each moved once.
        self.assertAlmostEqual(a.intensity(simd), 2 * 1000 * 8 * 16 / (4 * (1000 * 16 + 8 * 16) + 4 * 1000))
        self.assertEqual(a.intensity(kernel), 2.0)


if __name__ == "__main__":
    unittest.main()
