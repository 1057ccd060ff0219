# SPDX-License-Identifier: MIT
"""The page in a browser, where there is one: filters, links and the table do what they say."""

import html
import re
import shutil
import subprocess
import unittest

from support import ReportTest, document, fit

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--virtual-time-budget=5000"]


class Browser(ReportTest):
    """Runs the page in self.folder: that of `shown_document()`, written once for all tests of a class."""

    page_text = None

    def shown_document(self):
        """The document of the page."""
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        page = self.folder / "report.html"
        if self.page_text is None:
            self.assertEqual(self.report(self.file(self.shown_document()), "--out", self.folder)[0], 0)
            type(self).page_text = page.read_text(encoding="utf-8")
        page.write_text(self.page_text, encoding="utf-8")

    def dom(self, fragment="", script="", flags=()):
        """The page's elements after its scripts, and `script` after them, have run."""
        page = self.folder / "report.html"
        if script:
            text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{script}</script></body>")
            page = self.folder / "driven.html"
            page.write_text(text, encoding="utf-8")
        done = subprocess.run([CHROMIUM, *FLAGS, *flags, f"--user-data-dir={self.folder / 'profile'}", "--dump-dom", page.as_uri() + fragment],
                              capture_output=True, text=True, check=True, timeout=120)
        return done.stdout

    def count(self, dom):
        return html.unescape(re.search(r'id="count">([^<]*)<', dom)[1])

    def lines(self, dom):
        body = re.search(r'<table id="rows">.*?<tbody>(.*?)</tbody>', dom, flags=re.S)[1]
        return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", line)] for line in re.findall(r"<tr>.*?</tr>", body)]


@unittest.skipUnless(CHROMIUM, "no chromium")
class InTheBrowser(Browser):
    def shown_document(self):
        rows = []
        for dataset in ("blobs", "uniform"):
            for k in (8, 64):
                for backend, time in (("naive", 100.0), ("textbook", 20.0), ("simd", 8.0 if k == 8 else 5.0)):
                    rows += fit(backend, time, dataset=dataset, k=k, exact=int(backend != "textbook"), GFLOPs=1.0)
        rows += fit("elkan", error="labels differ", dataset="uniform", k=64)
        return document(rows)

    def test_everything_is_shown_at_first(self):
        dom = self.dom()
        self.assertEqual(self.count(dom), "13 rows of 13, 4 problems, 1 failed")
        self.assertEqual(len(self.lines(dom)), 13)
        self.assertIn("failed: labels differ", self.lines(dom)[-1])
        self.assertIn("<svg", dom)

    def test_a_link_filters(self):
        dom = self.dom("#dataset=blobs&backend=simd,naive&k=64&theme=dark")
        self.assertEqual(self.count(dom), "2 rows of 13, 1 problem")
        self.assertEqual([line[6] for line in self.lines(dom)], ["naive", "simd"])
        self.assertIn('data-theme="dark"', dom)

    def test_a_click_filters_and_a_second_one_undoes_it(self):
        click = "document.querySelector('.chip[data-key=dataset][data-value=uniform]').click();"
        dom = self.dom(script=click)
        self.assertEqual(self.count(dom), "7 rows of 13, 2 problems, 1 failed")
        self.assertRegex(dom, r'aria-pressed="true" data-key="dataset" data-value="uniform"')
        self.assertEqual(self.count(self.dom(script=click + click)), "13 rows of 13, 4 problems, 1 failed")

    def test_bars_show_the_geometric_mean_of_the_selection(self):
        dom = self.dom("#backend=simd")
        bars = re.search(r'id="overview".*?</div></div></div>', dom, flags=re.S)[0]
        self.assertIn("15.8×", bars)  # sqrt(12.5 * 20)

    def test_a_heading_sorts(self):
        heading = "[...document.querySelectorAll('#rows th button')].find((b) => b.textContent.startsWith('time')).click();"
        up = [line[7] for line in self.lines(self.dom(script=heading))]
        self.assertEqual(up[:4] + up[-2:-1], ["5.00 ms", "5.00 ms", "8.00 ms", "8.00 ms", "100 ms"])
        down = [line[7] for line in self.lines(self.dom(script=heading + heading))]
        self.assertEqual(down[0], "100 ms")

    def test_a_link_with_nonsense_shows_everything(self):
        self.assertEqual(self.count(self.dom("#group=none&dataset=none&metric=none&sort=none&k=%22%3E")), "13 rows of 13, 4 problems, 1 failed")


if __name__ == "__main__":
    unittest.main()
