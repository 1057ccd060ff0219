# SPDX-License-Identifier: MIT
"""A click on each filter of each group in a browser: the rows that are left are those with its value; names in the
pictures cover each other nowhere; a narrow window does not scroll sideways."""

import html
import json
import re
import unittest

import fixture
from test_page import CHROMIUM, Browser

# Chooses every group, clicks every chip, and notes what is shown: [group, key, value, rows of that value, rows shown, pressed].
CLICK_ALL = """
const told = [];
for (const g of [...document.querySelectorAll('#groups button')].map((b) => b.textContent)) {
  [...document.querySelectorAll('#groups button')].find((b) => b.textContent === g).click();
  const chips = [...document.querySelectorAll('#filters .chip')].map((c) => [c.dataset.key, c.dataset.value]);
  for (const [key, value] of chips) {
    const find = () => [...document.querySelectorAll('#filters .chip')].find((c) => c.dataset.key === key && c.dataset.value === value);
    find().click();
    const expected = ROWS.filter((row) => row.group === state.group && String(row[key]) === value).length;
    told.push([g, key, value, expected, document.getElementById('count').textContent, find().getAttribute('aria-pressed')]);
    document.getElementById('reset').click();
  }
}
document.title = JSON.stringify(told);
"""

# What is wider than the window, and the names in pictures that overlap.
MEASURE = """
addEventListener('load', () => {
  const covered = [];
  for (const picture of document.querySelectorAll('svg.plot')) {
    const boxes = [...picture.querySelectorAll('text.name')].map((t) => [t.textContent, t.getBoundingClientRect()]);
    boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
      if (x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 3 && y.top < x.bottom - 3) covered.push([a, b]);
    }));
  }
  document.title = JSON.stringify({ over: document.documentElement.scrollWidth - document.documentElement.clientWidth, covered,
                                    names: document.querySelectorAll('svg.plot text.name').length });
});
"""


@unittest.skipUnless(CHROMIUM, "no chromium")
class Clicks(Browser):
    def shown_document(self):
        return fixture.document(small=True, peers=True)

    def title(self, script, *flags):
        return json.loads(html.unescape(re.search(r"<title>(.*?)</title>", self.dom(script=script, flags=flags), flags=re.S)[1]))

    def test_a_click_on_each_filter_leaves_the_rows_with_its_value(self):
        told = self.title(CLICK_ALL)
        self.assertGreater(len(told), 60)
        self.assertEqual(len({group for group, *_ in told}), 8)
        for group, key, value, expected, count, pressed in told:
            with self.subTest(group=group, key=key, value=value):
                self.assertGreater(expected, 0)
                self.assertTrue(count.startswith(f"{expected} row"), count)
                self.assertEqual(pressed, "true")

    def test_nothing_scrolls_sideways_and_no_name_covers_another(self):
        for width in (500, 800, 1280):  # Chromium has no narrower window
            with self.subTest(width=width):
                found = self.title(MEASURE, f"--window-size={width},900")
                self.assertEqual((found["over"], found["covered"]), (0, []))
                self.assertGreater(found["names"], 8)


if __name__ == "__main__":
    unittest.main()
