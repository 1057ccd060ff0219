# SPDX-License-Identifier: MIT
"""README.md, the plots and the page as files: complete, self-contained, the same for the same input."""

import json
import re
import unittest
from html.parser import HTMLParser

import fixture
from support import ReportTest, bench, document, fit

HOSTILE = "</script><img src=x onerror=alert(1)>{{js}}|"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.data, self._inside, self.open = [], [], "", False, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[key] for key in ("src", "href", "xlink:href") if key in attributes]
        self._inside = attributes.get("id") == "data"
        self.open.append(tag)

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        self.data += data if self._inside else ""


class Output(ReportTest):
    first = None

    @classmethod
    def setUpClass(cls):
        cls.document = fixture.document(small=True)
        # One problem with everything that a name or message could break.
        cls.document["benchmarks"] += fit("simd", 1.0, dataset=HOSTILE, k=3) + fit("elkan", dataset=HOSTILE, k=3, error=HOSTILE)

    def written(self):
        """{name: bytes} of the report on the whole document; written once for all tests."""
        if Output.first is None:
            Output.first = self.write("out")
        return Output.first

    def write(self, name):
        code, out, err = self.report(self.file(self.document), "--out", self.folder / name)
        self.assertEqual((code, out), (0, ""), err)
        return {p.relative_to(self.folder / name).as_posix(): p.read_bytes() for p in (self.folder / name).rglob("*") if p.is_file()}

    def test_all_files_are_there_and_the_same_twice(self):
        first = self.written()
        self.assertEqual(sorted(first), ["README.md", "backends.md", "kernels.md", "losses.md", "plots/kernels.svg", "plots/roofline.svg", "plots/speedup.svg",
                                         "plots/sweeps.svg", "plots/threads.svg", "report.html", "seeding.md", "summary.png"])
        again = self.write("two")
        for name in first:
            self.assertEqual(first[name] == again[name], True, name)
        self.assertEqual(first["summary.png"][:8], b"\x89PNG\r\n\x1a\n")

    def test_the_page_needs_nothing_from_elsewhere(self):
        text = self.written()["report.html"].decode()
        page = Page(text)
        self.assertEqual([link for link in page.links if not link.startswith("#")], [])
        self.assertNotRegex(text, r"@import|url\((?!#)")
        self.assertEqual(len(page.ids), len(set(page.ids)))
        for link in page.links:
            self.assertIn(link[1:], page.ids)

    def test_the_page_has_every_row_and_survives_hostile_names(self):
        page = Page(self.written()["report.html"].decode())
        rows = json.loads(page.data)["rows"]
        names = {row["name"] for row in self.document["benchmarks"] if row.get("run_type") == "iteration"}
        self.assertEqual(len(rows), len(names))
        self.assertIn(HOSTILE, {row.get("dataset") for row in rows})
        self.assertIn(HOSTILE, {row.get("error") for row in rows})
        self.assertEqual(page.open.count("script"), 2)
        self.assertNotIn("img", page.open)

    def test_the_figures_of_the_page_are_those_of_the_file(self):
        a = fit("naive", 100.0, exact=1) + fit("simd", 4.0, 5.0, 6.0, GFLOPs=51.2, distances_share=1.0, exact=1)
        self.report(self.file(document(a)), "--out", self.folder)
        [naive, simd] = json.loads(Page((self.folder / "report.html").read_text()).data)["rows"]
        self.assertEqual((simd["seconds"], simd["x_naive"], simd["spread"], simd["gflops"], simd["saved"]), (0.005, 20.0, 0.4, 51.2, 0.0))
        self.assertEqual((naive["x_naive"], "gflops" in naive), (1.0, False))
        self.assertRegex((self.folder / "backends.md").read_text(), r"\| f32 \| 1.000 \| 16 \| 8 \| 1 \| simd \| 5\.00 ms \| 40 % \| 20\.0× \|")

    def test_the_tables_say_what_failed_and_what_is_not_exact(self):
        written = self.written()
        text = "".join(written[name].decode() for name in ("README.md", "backends.md"))
        self.assertIn("| elkan, 1 thread | " + HOSTILE.replace("|", "\\|"), text)
        self.assertIn("textbook ≈", text)
        self.assertIn("auto → elkan", text)
        self.assertIn("1.0020 to 1.0020 times the right one", text)
        self.assertIn("1 of ", text)
        for line in text.splitlines():  # a cell that breaks its table shows as a wrong number of bars
            if line.startswith("| :---"):
                columns = line.count("|")
            if line.startswith("|"):
                bars = len(re.findall(r"(?<!\\)\|", line))
                self.assertGreaterEqual(bars, 3)
        self.assertGreater(columns, 3)

    def test_the_machine_is_told_with_its_products_of_integers(self):
        written = self.written()
        self.assertIn("| Products of integers | VNNI |", written["README.md"].decode())
        self.assertIn("<span>avx512</span> <i>·</i> <span>VNNI</span>", written["report.html"].decode())

    def test_what_is_at_the_limit_is_in_the_tables_the_page_and_the_roofline(self):
        readme, page = (self.written()[name].decode() for name in ("README.md", "report.html"))
        self.assertIn("\n## At the limit\n", readme)
        self.assertIn("| d ≤ 8, k ≥ 16 | operation bound | 90 % |", readme)
        self.assertIn("![Roofline: dense assignment and whole iterations under the measured ceilings](plots/roofline.svg)", readme)
        self.assertIn('id="limits"', page)
        self.assertIn("<td>operation bound</td><td>90 %</td>", page)

    def test_a_file_with_next_to_nothing_still_gives_a_report(self):
        for rows in (fit("simd", 1.0), fit("simd", error="skipped"), bench("kernel/assign/avx2/dtype:f32/d:1/k:1", 1.0),
                     bench("seeding/random/blobs/dtype:f32/n:9/d:1/k:1/threads:1", 1.0), fit("simd", 1.0, group="assign"),
                     bench("limit/dense/avx2/blobs/dtype:f32/n:9/d:1/k:1/threads:1", 1.0),
                     bench("limit/dense/avx2/blobs/dtype:f32/n:9/d:1/k:1/threads:1", 1.0, GFLOPs=2.0),
                     bench("limit/iteration/avx2/corners/dtype:f32/n:9/d:16/k:2/threads:1", error="skipped"),
                     bench("limit/fit/avx2/uniform/dtype:f32/n:9/d:1/k:1/threads:1", 1.0)):
            code, _, err = self.report(self.file(document(rows)), "--out", self.folder / "out")
            self.assertEqual(code, 0, err)

    def test_strict_fails_on_a_failed_row_and_names_it(self):
        path = self.file(document(fit("simd", 1.0), fit("elkan", error="labels differ")))
        code, _, err = self.report("--strict", path, "--out", self.folder)
        self.assertEqual(code, 1)
        self.assertIn("elkan", err)
        self.assertIn("labels differ", err)
        self.assertEqual(self.report("--strict", self.file(document(fit("simd", 1.0))), "--out", self.folder)[0], 0)


class Check(ReportTest):
    def test_an_edited_table_is_found(self):
        out = self.folder / "results"
        (out / "cpu").mkdir(parents=True)
        source = self.file(document(fit("naive", 9.0), fit("simd", 3.0)), "results/cpu/2026-01-01-abc.json")
        self.assertEqual(self.report(source, "--out", out)[0], 0)
        self.assertEqual(self.report("--check", "--out", out)[0], 0)
        readme = out / "README.md"
        for name in ("README.md", "backends.md"):
            page = out / name
            before = page.read_text()
            page.write_text(before.replace("3.00×", "4.00×"))
            code, _, err = self.report("--check", "--out", out)
            self.assertEqual(code, 1)
            self.assertIn("cpu/2026-01-01-abc.json", err)
            self.assertIn(name, err)
            page.write_text(before)
        (out / "backends.md").unlink()
        self.assertEqual(self.report("--check", "--out", out)[0], 1)

    def test_pages_of_an_older_run_do_not_stay(self):
        both = self.file(document(fit("simd", 3.0), bench("seeding/random/blobs/dtype:f32/n:9/d:1/k:1/threads:1", 1.0)), "both.json")
        alone = self.file(document(fit("simd", 3.0)), "alone.json")
        out = self.folder / "out"
        self.assertEqual(self.report(both, "--out", out)[0], 0)
        self.assertTrue((out / "seeding.md").exists())
        self.assertIn("(seeding.md)", (out / "README.md").read_text())
        self.assertEqual(self.report(alone, "--out", out)[0], 0)
        self.assertFalse((out / "seeding.md").exists())
        self.assertNotIn("(seeding.md)", (out / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()
