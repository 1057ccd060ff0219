# SPDX-License-Identifier: MIT
"""The study of seedings: found beside its run, drawn, and refused where it is none."""

import json
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401  (finds the report)
from fixture import STUDY
from report import plots, seeding
from report.loading import ReportError


class Study(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.run_path = Path(self.folder.name) / "2026-01-02-abc.json"
        self.path = Path(self.folder.name) / "2026-01-02-abc.seeding.json"

    def test_a_run_without_one_has_no_plots(self):
        self.assertEqual(seeding.all_plots([self.run_path], plots.to_svg), [])

    def test_two_plots_that_are_the_same_every_time(self):
        self.path.write_text(json.dumps(STUDY), encoding="utf-8")
        drawn = seeding.all_plots([self.run_path], plots.to_svg)
        self.assertEqual([name for name, _, _ in drawn], ["seeding-inertia.svg", "seeding-time-to-inertia.svg"])
        for _, title, svg in drawn:
            self.assertIn("20 seeds", title)
            self.assertTrue(svg.rstrip().endswith("</svg>"))
        self.assertEqual(drawn, seeding.all_plots([self.run_path], plots.to_svg))

    def test_the_lowest_is_that_after_the_last_iteration(self):
        self.assertEqual(seeding.lowest(STUDY["sets"][0]), 2.0)

    def test_what_is_no_study_is_refused(self):
        for text in ("{", "[]", '{"sets": 3}'):
            self.path.write_text(text, encoding="utf-8")
            with self.assertRaises(ReportError):
                seeding.load([self.run_path])


if __name__ == "__main__":
    unittest.main()
