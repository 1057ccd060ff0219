# SPDX-License-Identifier: MIT
"""Shares of the ceilings, against numbers worked out by hand."""

import re
import unittest

from support import ReportTest, bench, document, fit

from report import limits
from report.analysis import Analysis
from report.loading import load

CEILINGS = {"peak_gflops/avx2/f32/threads:1": "100", "peak_gflops/avx2/f32/threads:2": "200", "read_bandwidth_gbs/threads:1": "20"}


def dense(d, k, rate, threads=1, a=4.0, **counters):
    return bench(f"limit/dense/avx2/blobs/dtype:f32/n:960/d:{d}/k:{k}/threads:{threads}", 1.0, GFLOPs=rate, argmin_operations=a, **counters)


def iteration(*, rate=10e9, **counters):
    return bench("limit/iteration/avx2/corners/dtype:f32/n:1000/d:16/k:4/threads:1", 2.0, GFLOPs=20.0, bytes_per_second=rate, **counters)


class Limits(ReportTest):
    def analysis(self, *groups, **context):
        return Analysis(load([self.file(document(*groups, **(context or CEILINGS)))]))

    def table(self, analysis, title):
        [found] = [table for table in limits.tables(analysis) if table.title.startswith(title)]
        return found

    def test_a_share_is_of_the_ceiling_that_the_report_shows(self):
        a = self.analysis(dense(12, 64, 60.0, peak_share=0.9, bound_share=0.9))
        [row] = limits.dense(a.run)
        self.assertAlmostEqual(limits.peak_share(a, row), 0.6)
        self.assertAlmostEqual(limits.bound_share(a, row), 0.6 * 16 / 12)

    def test_without_ceilings_there_are_no_shares(self):
        a = self.analysis(dense(12, 64, 60.0), iteration(), cpu_model="X")
        [row], [streamed] = limits.dense(a.run), limits.iterations(a.run)
        self.assertEqual([limits.peak_share(a, row), limits.bound_share(a, row), limits.bandwidth_share(a, streamed)], [None] * 3)

    def test_a_case_shows_its_lowest_and_highest_share_by_type_isa_and_threads(self):
        a = self.analysis(dense(64, 256, 90.0), dense(128, 1000, 95.0), dense(768, 1000, 93.0), dense(64, 256, 150.0, threads=2),
                          dense(64, 100, 80.0), dense(4, 64, 40.0), dense(8, 64, 60.0), dense(32, 64, 1.0))
        table = self.table(a, "Dense passes, lowest")
        self.assertEqual(table.header[2:], ["f32, avx2, 1 thread", "f32, avx2, 2 threads"])
        self.assertEqual(table.rows, [["d ≥ 64, k ≥ 256", "FMA peak", "90–95 %", "75 %"],
                                      ["d ≥ 64, k = 100", "FMA peak", "80 %", ""],
                                      ["d ≤ 8, k ≥ 16", "operation bound", "80–90 %", ""]])

    def test_a_failed_row_is_shown_as_failed_and_counts_nowhere(self):
        name = "limit/dense/avx2/blobs/dtype:f32/n:960/d:128/k:256/threads:1"
        a = self.analysis(dense(64, 256, 90.0), bench(name, error="labels[3] is 1, not 2"))
        self.assertEqual(self.table(a, "Dense passes, lowest").rows[0][2], "90 %")
        [every] = [table for table in limits.tables(a) if table.title == "Dense passes"]
        self.assertEqual([row[6] for row in every.rows], ["1.00 ms", "failed"])

    def test_an_iteration_has_shares_of_the_read_bandwidth(self):
        a = self.analysis(iteration(first_iteration_seconds=0.004))
        [row] = self.table(a, "Whole iterations").rows
        self.assertEqual(row[6:], ["2.00 ms", "", "10.0", "50 %", "4.00 ms", "25 %"])

    def test_other_rows_have_no_share_of_the_bandwidth(self):
        a = self.analysis(fit("simd", 1.0, bytes_per_second=1e9), dense(64, 256, 90.0, bytes_per_second=1e9))
        self.assertEqual([limits.bandwidth_share(a, row) for row in a.run.rows], [None, None])

    def test_a_small_fit_has_its_time(self):
        a = self.analysis(bench("limit/fit/avx2/uniform/dtype:f64/n:150/d:4/k:3/threads:2", 0.025, n_iter=10))
        [row] = self.table(a, "Whole fits").rows
        self.assertEqual([cell.replace("\u2009", " ") for cell in row], ["f64", "avx2", "150", "4", "3", "10", "2", "25.0 µs", ""])

    def test_the_operations_that_the_bound_counts_are_named(self):
        text = " ".join(limits.notes(self.analysis(dense(12, 64, 60.0, a=4.25))))
        self.assertIn("4.25 for avx2", text)

    def test_a_run_without_such_rows_has_no_section_and_the_roofline_of_its_fits(self):
        out = self.folder / "out"
        self.report(self.file(document(fit("simd", 1.0, GFLOPs=5.0), **CEILINGS)), "--out", out)
        readme = (out / "README.md").read_text()
        self.assertNotIn("At the limit", readme)
        self.assertRegex(readme, r"!\[Roofline: fits and assignment passes.*\]\(plots/roofline\.svg\)")

    def test_the_roofline_draws_every_ceiling_and_every_row(self):
        import matplotlib.pyplot as plt
        from report import rooflines

        a = self.analysis(dense(64, 256, 90.0), dense(128, 256, 91.0), dense(64, 256, 150.0, threads=2), iteration())
        figure = rooflines.limit_roofline(a)
        [axes] = figure.axes
        self.addCleanup(plt.close, figure)
        heights = sorted(line.get_ydata()[0] for line in axes.lines if line.get_ydata()[0] == line.get_ydata()[-1])
        self.assertEqual(heights, [100.0, 200.0])
        [slope] = [line for line in axes.lines if line.get_ydata()[0] != line.get_ydata()[-1]]
        self.assertAlmostEqual(slope.get_ydata()[-1] / slope.get_xdata()[-1], 20.0)
        points = sorted(float(c.get_offsets()[0][1]) for c in axes.collections)
        self.assertEqual(points, [20.0, 90.0, 91.0, 150.0])
        texts = [text.get_text() for text in axes.texts]
        self.assertIn("d 64, 128", texts)
        self.assertTrue(any(re.search("avx2, 2 threads: 200", text) for text in texts))


if __name__ == "__main__":
    unittest.main()
