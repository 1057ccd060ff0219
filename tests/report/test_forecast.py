# SPDX-License-Identifier: MIT
"""fit_forecast.py: the weights that it finds, what it reads, and a few problems measured from end to end."""

import contextlib
import io
import os
import random
import unittest

from support import ReportTest

import fit_forecast


def made_up(weights, both, count, noise=0.0):
    """Rows of problems of which blockbounds is as fast as those weights say."""
    choose = random.Random(1)
    rows = []
    for number in range(count):
        row = {"dtype": choose.choice(("f32", "f64")), "isa": choose.choice(("avx512", "avx2")),
               "steps": choose.choice((12, 25, 60)), "kind": "blobs", "n": choose.randrange(2000, 300_000),
               "d": choose.randrange(3, 100), "k": choose.randrange(8, 800), "near": choose.uniform(0.01, 1),
               "around": choose.uniform(0.01, 1), "gap": 1.0}
        speed = sum(w * t for w, t in zip(weights, fit_forecast.terms(row, both)))
        speed += choose.uniform(-noise, noise) + (5 if noise and number % 20 == 0 else 0)
        rows.append({**row, "blockbounds": 2.718281828459045 ** -speed})
    return rows


class Weights(unittest.TestCase):
    EXPECTED = [-2, 0.3, -0.4, 0.35, 0.1, 0.05, 0.04, -0.1, 0.3, 0.2, 0.4]

    def test_are_those_of_the_rows(self):
        for both in (True, False):
            expected = self.EXPECTED if both else [0 if i == 6 else w for i, w in enumerate(self.EXPECTED)]
            weights, explained, error = fit_forecast.fit_weights(made_up(expected, both, 300), "blockbounds", both)
            for weight, wanted in zip(weights, expected):
                self.assertAlmostEqual(weight, wanted, places=6)
            self.assertAlmostEqual(explained, 1)
            self.assertLess(error, 1e-6)

    def test_hardly_follow_outliers(self):
        expected = [0 if i == 6 else w for i, w in enumerate(self.EXPECTED)]
        weights, _, error = fit_forecast.fit_weights(made_up(expected, False, 2000, 0.1), "blockbounds", False)
        for weight, wanted in zip(weights[1:6], expected[1:6]):
            self.assertAlmostEqual(weight, wanted, delta=0.03)
        self.assertAlmostEqual(error, 0.05, delta=0.02)


class Shares(unittest.TestCase):
    def test_are_read_from_the_reason(self):
        told = "x (kdtree 1.1 times as fast as gap; of a few samples, on average 2.5 % of the clusters are at most " \
               "1.2 times, 14 % at most twice as far as the nearest)"
        self.assertEqual(fit_forecast.shares_of([{"reason": told}]), (0.025, 0.14))
        self.assertIsNone(fit_forecast.shares_of([{"reason": "every distance"}]))


class EndToEnd(ReportTest):
    @unittest.skipUnless(os.environ.get("OMNIMEANS_PROGRAM"), "no program to measure")
    def test_problems_are_measured_and_appended(self):
        out = self.folder / "forecast.csv"
        command = [str(out), "--problems", "3", "--repetitions", "1", "--steps", "8", "--isa", "scalar", "--most-work",
                   "5e6", "--program", os.environ["OMNIMEANS_PROGRAM"]]
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            fit_forecast.main(command)
            first = fit_forecast.read_rows(out)
            fit_forecast.main([*command, "--seed", "1", "--dtype", "f64"])
        rows = fit_forecast.read_rows(out)
        self.assertTrue(first)
        self.assertEqual(rows[: len(first)], first)
        self.assertGreater(len(rows), len(first))
        for row in rows:
            self.assertGreater(row["gap"], 0)
            self.assertLessEqual(row["near"], row["around"])
        self.assertIn("are too few", shown.getvalue())


if __name__ == "__main__":
    unittest.main()
