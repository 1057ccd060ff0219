# SPDX-License-Identifier: MIT
"""The pictures of the comparison in a browser, where there is one: a click on each of their controls."""

import html
import re
import unittest

import fixture
from test_page import CHROMIUM, Browser


@unittest.skipUnless(CHROMIUM, "no chromium")
class Charts(Browser):
    def shown_document(self):
        return fixture.document(small=True, peers=True)

    def part(self, dom, name):
        return html.unescape(re.search(rf'<article class="card chart" id="{name}">.*?</article>', dom, flags=re.S)[0])

    def choose(self, control, value):
        return (f"{{ const s = document.getElementById('{control}'); s.value = '{value}'; "
                "s.dispatchEvent(new Event('change')); }")

    def dots(self, dom, name):
        return set(re.findall(r'<circle [^>]*data-tip="([^"\n]*)', self.part(dom, name)))

    def test_all_pictures_are_drawn_without_an_error(self):
        dom = self.dom()
        for name in ("heat", "curves", "memory", "roof"):
            self.assertIn('id="%s"' % name, dom)
        self.assertEqual(self.dots(dom, "memory"), {"auto", "simd", "hamerly", *fixture.LIBRARIES})
        self.assertIn("avx512: 300 GFLOP/s", self.part(dom, "roof"))
        self.assertEqual(self.part(dom, "curves").count("<polyline"), 4)

    def test_the_maps_follow_both_choices(self):
        first = self.part(self.dom(), "heat")
        self.assertIn("<th>d 2</th>", first)
        self.assertRegex(first, r">[\d.]+×<small>(faiss|opencv|r-lloyd|alglib)</small>")
        fastest = self.part(self.dom(script=self.choose("heat-what", "fastest of our backends")), "heat")
        self.assertEqual(re.findall(r">(hamerly|simd)</td>", fastest), ["hamerly", "hamerly", "hamerly", "hamerly", "simd", "simd"])
        across = self.part(self.dom(script=self.choose("heat-grid", "(n, k) at d = 16")), "heat")
        self.assertEqual(re.findall(r"<th>n ([^<]*)</th>", across), ["1\u2009000", "10\u2009000"])

    def test_a_click_on_a_name_hides_and_shows_it_everywhere(self):
        click = "document.querySelector('[data-show=faiss]').click();"
        hidden = self.dom(script=click)
        for name in ("curves", "memory", "roof"):
            self.assertNotIn("faiss", self.dots(hidden, name))
            self.assertIn("auto", self.dots(hidden, name))
        self.assertRegex(hidden, r'aria-pressed="false" data-show="faiss"')
        self.assertIn("faiss", self.dots(self.dom(script=click + click), "memory"))
        alone = self.dom(script="document.getElementById('chart-none').click();")
        self.assertEqual(self.dots(alone, "memory"), {"auto"})
        everyone = self.dom(script="document.getElementById('chart-none').click(); document.getElementById('chart-all').click();")
        self.assertEqual(len(self.dots(everyone, "memory")), 8)

    def test_the_problem_of_each_picture_can_be_chosen(self):
        problem = "embedding n 10\u2009000 d 768 k 100"
        dom = self.dom(script=self.choose("memory-what", problem) + self.choose("roof-what", problem))
        self.assertNotIn("r-lloyd", self.dots(dom, "memory"))  # left out there
        roof = self.part(dom, "roof")
        self.assertEqual(roof.count("<circle"), len(self.dots(dom, "memory")))
        self.assertIn(problem, re.search(r'data-tip="auto([^"]*)"', roof)[1])

    def test_libraries_are_a_group_of_the_explorer_without_our_other_backends(self):
        dom = self.dom("#group=peer")
        self.assertEqual({line[6] for line in self.lines(dom)} - {"auto"}, {name + (" ≈" if "mini" in name else "") for name in fixture.LIBRARIES})
        self.assertIn("1 left out", self.count(dom))
        ours = self.dom("#group=ourpeer")
        self.assertEqual({line[6] for line in self.lines(ours)}, {"simd", "hamerly", "auto"})
        clicked = self.dom("#group=peer", "document.querySelector('.chip[data-key=backend][data-value=faiss]').click();")
        self.assertEqual({line[6] for line in self.lines(clicked)}, {"faiss"})

    def test_a_page_without_the_comparison_has_no_pictures(self):
        self.report(self.file(fixture.document(small=True)), "--out", self.folder)
        self.assertRegex(self.dom(), r'<section id="charts" hidden=""')


if __name__ == "__main__":
    unittest.main()
