# SPDX-License-Identifier: MIT
"""compare.sh: the U test against published and scipy's figures, the verdicts and exit codes."""

import contextlib
import io
import itertools
import json
import random
import unittest

from support import ReportTest, document, fit

try:
    from scipy.stats import mannwhitneyu
except ImportError:
    mannwhitneyu = None


class UTest(unittest.TestCase):
    def test_small_cases_by_counting_every_arrangement(self):
        from report.mann_whitney import least_p, u_test

        # Two above three others: U is 6, one of ten arrangements, and as many at the other end.
        self.assertAlmostEqual(u_test([4, 5], [1, 2, 3]), 0.2)
        self.assertAlmostEqual(u_test([1, 2, 3], [4, 5]), 0.2)
        self.assertEqual(u_test([1, 4], [2, 3]), 1.0)
        self.assertEqual(u_test([1, 1, 1], [1, 1]), 1.0)
        self.assertAlmostEqual(least_p(2, 3), 0.2)
        generator = random.Random(5)
        for _ in range(20):
            old = [generator.random() for _ in range(generator.randint(1, 5))]
            new = [generator.random() for _ in range(generator.randint(1, 5))]
            self.assertAlmostEqual(u_test(old, new), self.counted(old, new))

    def counted(self, old, new):
        """Two-sided p by going through all ways to choose which of the pooled values are the old ones."""
        def u(chosen, others):
            return max(sum(a > b for a in chosen for b in others), sum(a < b for a in chosen for b in others))

        pooled, seen = sorted([*old, *new]), u(old, new)
        ways = list(itertools.combinations(range(len(pooled)), len(old)))
        extreme = sum(u([pooled[i] for i in way], [pooled[i] for i in range(len(pooled)) if i not in way]) >= seen for way in ways)
        return extreme / len(ways)

    @unittest.skipUnless(mannwhitneyu, "no scipy")
    def test_the_same_as_scipy_with_and_without_ties(self):
        from report.mann_whitney import u_test

        generator = random.Random(7)
        for i in range(60):
            old = [round(generator.random(), 1 + i % 2 * 9) for _ in range(generator.randint(2, 12))]
            new = [round(generator.random() + 0.2, 1 + i % 2 * 9) for _ in range(generator.randint(2, 12))]
            ties = len({*old, *new}) < len(old) + len(new)
            p = mannwhitneyu(old, new, alternative="two-sided", method="asymptotic" if ties else "exact").pvalue
            self.assertAlmostEqual(u_test(old, new), p)


class Verdicts(ReportTest):
    def compare(self, old, new, *options):
        """(exit code, verdict document)"""
        from report.compare import main

        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([str(self.file(document(*old, git_commit="a" * 40), "old.json")), str(self.file(document(*new), "new.json")), "--json", "-", *options])
        return code, json.loads(out.getvalue()) if out.getvalue().startswith("{") else out.getvalue()

    def times(self, middle, count=9):
        return [middle + 0.01 * i for i in range(count)]

    def test_slower_faster_and_same(self):
        for factor, code, verdict in ((1.2, 1, "slower"), (0.8, 0, "faster"), (1.0, 0, "same"), (1.01, 0, "same")):
            found = self.compare([fit("simd", *self.times(10.0))], [fit("simd", *self.times(10.0 * factor))])
            self.assertEqual((found[0], found[1]["verdict"]), (code, verdict), factor)
            [line] = found[1]["benchmarks"]
            self.assertAlmostEqual(line["change"], (10.0 * factor + 0.04) / 10.04 - 1)

    def test_one_that_is_slower_decides(self):
        old = [fit("simd", *self.times(10.0)), fit("elkan", *self.times(10.0))]
        code, found = self.compare(old, [fit("simd", *self.times(5.0)), fit("elkan", *self.times(20.0))])
        self.assertEqual((code, found["verdict"]), (1, "slower"))
        self.assertEqual([line["verdict"] for line in found["benchmarks"]], ["faster", "slower"])
        self.assertAlmostEqual(found["geometric_mean_ratio"], (5.04 / 10.04 * 20.04 / 10.04) ** 0.5)
        self.assertEqual(self.compare(old, [fit("elkan", *self.times(20.0))], "--filter", "simd")[0], 2)

    def test_too_few_repetitions_are_not_judged(self):
        code, found = self.compare([fit("simd", *self.times(10.0, 8))], [fit("simd", *self.times(20.0))])
        self.assertEqual((code, found["verdict"]), (3, "undecided"))

    def test_what_fails_now_is_slower_and_a_difference_without_significance_is_none(self):
        self.assertEqual(self.compare([fit("simd", *self.times(10.0))], [fit("simd", error="differs")])[0], 1)
        scattered = [1.0, 30.0, 2.0, 29.0, 3.0, 28.0, 4.0, 27.0, 15.0]
        code, found = self.compare([fit("simd", *scattered)], [fit("simd", *[t * 1.1 for t in scattered])])
        self.assertEqual((code, found["verdict"]), (0, "same"))

    def test_two_machines_are_not_compared(self):
        from report.compare import main

        for key, what in (("cpu_model", "CPU"), ("integer_products", "products of integers")):
            error = io.StringIO()
            with contextlib.redirect_stderr(error):
                paths = [str(self.file(document(fit("simd", *self.times(10.0)), **{key: value}), f"{value}.json")) for value in ("one", "two")]
                self.assertEqual(main(paths), 2)
            self.assertIn(f"{what} 'one' and 'two'", error.getvalue())

    def test_a_file_from_before_products_of_integers_were_told_is_compared(self):
        from report.compare import main

        rows = fit("simd", *self.times(10.0))
        old, new = document(rows), document(rows, integer_products="AMX")
        with contextlib.redirect_stdout(io.StringIO()):
            for pair in ((old, new), (new, old)):
                self.assertEqual(main([str(self.file(d, f"{i}.json")) for i, d in enumerate(pair)]), 0)

    def test_files_without_anything_in_common_or_unreadable(self):
        self.assertEqual(self.compare([fit("simd", 1.0)], [fit("elkan", 1.0)])[0], 2)
        from report.compare import main

        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(main([str(self.folder / "none.json"), str(self.folder / "none.json")]), 2)


if __name__ == "__main__":
    unittest.main()
