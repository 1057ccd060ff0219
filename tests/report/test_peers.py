# SPDX-License-Identifier: MIT
"""Libraries against libraries: leads, marks, losses and tables against figures worked out by hand."""

import json
import unittest
from pathlib import Path

import fixture
from support import ReportTest, bench, document

CONTEXT = {f"peer/{name}": "1.0 | as installed | " for name in ("fast", "slow", "loose")}
OURS = {"ours": 1, "exact": 1, "same_end": 1, "same_bits": 1, "told_iterations": 1}
THEIRS = {"ours": 0, "exact": 1, "same_end": 1, "told_iterations": 1}


def peer(name, milliseconds, group="peer", k=8, iters=25, prefix="", **counters):
    base = OURS if name in ("auto", "simd", "naive", "elkan") else THEIRS
    figures = {"n_iter": iters, "seconds_per_iteration": milliseconds / 1e3 / iters, "inertia": 100.0, **base, **counters}
    return bench(f"{group}/blobs/dtype:f32/n:1000/d:4/k:{k}{prefix}/{name}/threads:2/iterations:1/manual_time", milliseconds, **figures)


class Peers(ReportTest):
    def analysis(self, *groups, **context):
        from report.analysis import Analysis
        from report.loading import load

        return Analysis(load([self.file(document(*groups, **(context or CONTEXT)))]))


class Leads(Peers):
    def test_the_best_library_of_each_cell_by_the_time_of_an_iteration(self):
        from report import peers

        a = self.analysis(peer("auto", 10.0), peer("fast", 20.0), peer("slow", 90.0),
                          # Stopped after 5 of 25: 3 ms each, although the whole is shorter than that of fast.
                          peer("auto", 10.0, k=2), peer("fast", 25.0, k=2), peer("slow", 15.0, iters=5, k=2, stopped_early=1))
        found = peers.lead(a.run, "peer")
        self.assertAlmostEqual(found.geomean, (2.0 * 2.5) ** 0.5)
        self.assertAlmostEqual(found.worst, 2.0)
        self.assertEqual((found.worst_cell.best.backend, found.count, found.behind), ("fast", 2, 0))
        self.assertEqual(peers.by_library(a.run, "peer")["slow"][2], 2)
        self.assertAlmostEqual(peers.by_library(a.run, "peer")["slow"][1], 7.5)

    def test_what_is_approximate_or_left_out_is_nobodys_rival(self):
        from report import peers

        a = self.analysis(peer("auto", 10.0), peer("fast", 30.0), peer("loose", 1.0, exact=0),
                          bench("peer/blobs/dtype:f32/n:1000/d:4/k:8/slow/threads:2", error="skipped: too slow"))
        [cell] = peers.cells(a.run, "peer")
        self.assertAlmostEqual(cell.lead, 3.0)
        self.assertEqual([row.backend for row in cell.libraries], ["fast", "loose", "slow"])
        self.assertEqual(peers.losses(a), [])

    def test_marks_say_what_differs(self):
        from report import peers

        a = self.analysis(peer("auto", 1.0), peer("fast", 1.0, start_by_labels=1, told_iterations=0), peer("slow", 1.0, own_start=1, same_end=0, float64=1),
                          peer("loose", 1.0, exact=0, stopped_early=1), peer("faiss", 1.0, used_share=0.25))
        marks = {row.backend: peers.marks(row) for row in a.run.rows}
        self.assertEqual(marks, {"auto": "", "fast": "ln", "slow": "cid", "loose": "e≈", "faiss": "s"})


class Losses(Peers):
    def test_every_kind_is_found_and_only_where_it_holds(self):
        from report import peers

        a = self.analysis(
            peer("auto", 10.0, memory_bytes=9e6), peer("fast", 5.0, memory_bytes=3e6), peer("slow", 20.0, memory_bytes=8.5e6),
            peer("simd", 8.0), peer("elkan", 9.3), peer("auto", 10.0, "own"), peer("slow", 4.0, "own"), peer("fast", 4.0, "own", inertia=101.0),
            peer("loose", 90.0, "own", inertia=80.0, exact=0))
        found = [(loss.kind, loss.other.backend) for loss in peers.losses(a)]
        self.assertEqual(sorted(found), [("backend", "simd"), ("defaults", "slow"), ("inertia", "loose"), ("library", "fast"), ("memory", "fast"), ("simd", "simd")])
        by_kind = {loss.kind: loss.times for loss in peers.losses(a)}
        self.assertAlmostEqual(by_kind["library"], 2.0)
        self.assertAlmostEqual(by_kind["defaults"], 2.5)
        self.assertAlmostEqual(by_kind["memory"], 3.0)
        self.assertAlmostEqual(by_kind["inertia"], 1.25)

    def test_what_may_be_chance_among_our_own_says_so(self):
        from report import peers
        from report.peer_tables import auto_beside_ours, losses_page

        # Of 6 against 6 all one way 2 of 924 orders are as far apart; three backends to pick from.
        rows = [peer(name, base + i) for name, base in (("auto", 20.0), ("simd", 10.0), ("elkan", 90.0), ("naive", 90.0)) for i in range(6)]
        a = self.analysis(*rows)
        by_kind = {loss.kind: loss.p for loss in peers.losses(a)}
        self.assertAlmostEqual(by_kind["simd"], 2 / 924)
        self.assertAlmostEqual(by_kind["backend"], 3 * 2 / 924)
        self.assertIn("| 1.80× | 22.5 ms | 12.5 ms | 40 % | 0.0065 |", losses_page(a, "x.json"))
        said = "1 of 1 (p < 0.05 in 1 of the 1 with enough repetitions to tell)"
        self.assertIn(f"backends: {said}; more than 5 % behind `simd`: {said}", auto_beside_ours(a)[0])
        self.assertIn("backends: 0 of 1; more than 5 % behind `simd`: 0 of 1.", auto_beside_ours(self.analysis(peer("auto", 1.0), peer("simd", 2.0)))[0])
        self.assertEqual(auto_beside_ours(self.analysis(peer("auto", 1.0), peer("fast", 2.0))), [])

    def test_what_auto_itself_ended_with_says_so(self):
        from report import peers
        from report.peer_tables import losses_page

        a = self.analysis(peer("auto", 20.0), peer("gap", 10.0))
        self.assertIn("| gap | 2.00× |", losses_page(a, "x.json"))
        peers.losses(a)[0].row.ran = "gap"
        self.assertIn("| gap (auto's own) | 2.00× |", losses_page(a, "x.json"))

    def test_of_few_repetitions_nothing_is_said_of_chance(self):
        from report import peers
        from report.peer_tables import auto_beside_ours, losses_page

        few = self.analysis(*[peer(name, base + i) for name, base in (("auto", 20.0), ("simd", 10.0)) for i in range(3)])
        self.assertEqual([loss.p for loss in peers.losses(few)], [None, None])
        self.assertIn("| 1.91× | 21.0 ms | 11.0 ms | 18 % | too few |", losses_page(few, "x.json"))
        self.assertIn("backends: 1 of 1 (of too few repetitions to tell chance)", auto_beside_ours(few)[0])

    def test_the_page_names_them_or_says_nowhere(self):
        from report.peer_tables import losses_page

        behind = losses_page(self.analysis(peer("auto", 10.0), peer("fast", 5.0)), "x.json")
        self.assertIn("| blobs f32 n\u00a01\u2009000 d\u00a04 k\u00a08 | 2 | peer | fast | 2.00× | 400 µs | 200 µs |", behind)
        ahead = losses_page(self.analysis(peer("auto", 10.0), peer("fast", 50.0)), "x.json")
        self.assertEqual(ahead.count("Nowhere in this run."), 7)
        near = losses_page(self.analysis(peer("auto", 10.0), peer("fast", 20.0)), "x.json")
        self.assertEqual(near.count("Nowhere in this run."), 6)

    def test_where_no_library_was_measured_none_is_said_to_be_behind(self):
        from report.peer_tables import losses_page

        alone = losses_page(self.analysis(peer("auto", 10.0), peer("simd", 10.0)), "x.json")
        self.assertEqual(alone.count("Nowhere in this run."), 2)
        self.assertEqual(alone.count("Not known: no other library was measured"), 5)


class Tables(Peers):
    def written(self):
        source = self.file(fixture.document(small=True, peers=True))
        code, _, err = self.report(source, "--out", self.folder / "out")
        self.assertEqual(code, 0, err)
        return "\n".join((self.folder / "out" / name).read_text(encoding="utf-8") for name in ("README.md", "libraries.md", "backends.md"))

    def test_libraries_and_our_backends_are_never_in_one_table(self):
        text = self.written()
        theirs, ours = text.split("# Libraries against libraries")[-1].split("## Algorithms inside our code, on the same problems")
        ours = ours.split("\n## ")[0]
        self.assertNotIn("| hamerly |", theirs)
        self.assertIn("| hamerly |", ours)
        self.assertIn("| **auto** (ours) |", theirs)
        for name in fixture.LIBRARIES:
            self.assertIn(f"| {name} |", theirs)
            self.assertNotIn(f"| {name} |", ours)

    def test_versions_and_what_did_not_run_are_told(self):
        text = self.written()
        self.assertIn("| faiss | 1.2 | as installed |", text)
        self.assertIn("| onedal | left out: not installed (its adapter ended at once, with exit code 1) |", text)
        self.assertIn("GFLOP/s counts 2·n·k·d operations an iteration", text)
        self.assertIn("Left out: r-lloyd (one iteration takes 9.1 s; the limit of a run is 5 s).", text)

    def test_maps_name_the_winner_of_each_size(self):
        text = self.written()
        rows = text.split("Which exact backend of ours is the fastest (`auto` not counted), blobs, n 10\u2009000")[1].splitlines()[2:7]
        self.assertEqual(rows[0], "| d | k 8 | k 128 |")
        self.assertRegex(rows[2], r"^\| 2 \| hamerly \| hamerly \|$")
        self.assertRegex(rows[4], r"^\| 128 \| simd \| simd \|$")

    def test_the_headline_is_that_of_the_file(self):
        source = self.file(document(peer("auto", 10.0), peer("fast", 42.0), cpu_model="Chip", integer_products="AMX", **CONTEXT))
        code, out, err = self.report("--headline", source)
        self.assertEqual(code, 0, err)
        self.assertTrue(out.startswith("**4.20×** faster than the best of 1 "), out)
        self.assertIn("in other libraries (all on every problem), in", out)
        self.assertIn("Chip, AMX); ", out)
        self.assertIn("against fast", out)
        self.assertNotIn("apart", out)
        unsure = self.file(document(peer("auto", 10.0), peer("auto", 20.0), peer("fast", 42.0), cpu_model="Chip", **CONTEXT))
        self.assertIn("against fast (the 2 repetitions of auto lie 67", self.report("--headline", unsure)[1])
        self.assertEqual(self.report("--headline", self.file(document(bench("fit/blobs/dtype:f32/n:9/d:1/k:1/simd/threads:1", 1.0))))[1].strip(), "")

    def test_an_edited_losses_page_is_found(self):
        out = self.folder / "results"
        (out / "cpu").mkdir(parents=True)
        source = self.file(document(peer("auto", 10.0), peer("fast", 5.0), **CONTEXT), "results/cpu/x.json")
        self.assertEqual(self.report(source, "--out", out)[0], 0)
        self.assertEqual(self.report("--check", "--out", out)[0], 0)
        self.assertIn("[`cpu/x.json`](cpu/x.json) · interactive page: [report.html](report.html)", (out / "README.md").read_text())
        page = out / "losses.md"
        page.write_text(page.read_text().replace("2.00×", "1.00×"))
        code, _, err = self.report("--check", "--out", out)
        self.assertEqual(code, 1)
        self.assertIn("losses.md", err)


class Compact(Peers):
    def test_the_merged_file_is_small_and_says_the_same(self):
        from report.loading import load

        source = self.file(fixture.document(peers=True))
        code, out, err = self.report("--merge-into", self.folder / "merged", source)
        self.assertEqual(code, 0, err)
        merged = out.strip()
        self.assertLess(Path(merged).stat().st_size * 5, source.stat().st_size)
        before, after = load([source]), load([merged])
        self.assertEqual([row.problem + (row.backend, row.threads) for row in before.rows], [row.problem + (row.backend, row.threads) for row in after.rows])
        for old, new in zip(before.rows, after.rows):
            self.assertEqual((old.error, old.ran, old.isa, old.repetitions), (new.error, new.ran, new.isa, new.repetitions))
            self.assertEqual(set(old.counters), set(new.counters))
            if old.ok:
                # Seven and ten digits are kept.
                self.assertAlmostEqual(new.seconds / old.seconds, 1, places=6)
                for key, value in old.counters.items():
                    self.assertAlmostEqual(new.counters[key], value, delta=1e-9 * abs(value), msg=key)
        again = json.loads(Path(merged).read_text(encoding="utf-8"))
        self.assertEqual(self.report("--merge-into", self.folder / "again", merged)[0], 0)
        self.assertEqual(json.loads(next((self.folder / "again").rglob("*.json")).read_text()), again)


if __name__ == "__main__":
    unittest.main()
