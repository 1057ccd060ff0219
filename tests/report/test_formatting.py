# SPDX-License-Identifier: MIT
"""Numbers as people read them."""

import unittest

import support  # noqa: F401  (finds the package)

from report import formatting as fmt
from report.loading import Run


class Formatting(unittest.TestCase):
    def test_a_machine_with_its_products_of_integers(self):
        for context, text in (({"cpu_model": "Xeon", "integer_products": "AMX"}, "Xeon, AMX"), ({"cpu_model": "Xeon"}, "Xeon"),
                              ({"cpu_model": "Xeon", "integer_products": ""}, "Xeon"), ({"integer_products": "AMX"}, "AMX"), ({}, "")):
            self.assertEqual(fmt.machine(Run(context, [], [], [])), text)

    def expect(self, function, cases):
        for value, text in cases:
            self.assertEqual(function(value).replace("\u2009", " "), text)

    def test_three_digits_without_an_exponent(self):
        self.expect(fmt.three, [(0, "0"), (1234567.8, "1 234 568"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.0123")])

    def test_units(self):
        self.expect(fmt.seconds, [(None, ""), (2.5, "2.50 s"), (0.0123, "12.3 ms"), (4e-6, "4.00 µs"), (5e-9, "5.00 ns")])
        self.expect(fmt.size, [(None, ""), (12, "12 B"), (2048, "2.00 KiB"), (3.5 * 2**30, "3.50 GiB")])

    def test_percent(self):
        self.expect(fmt.percent, [(None, ""), (0.5, "50 %"), (0.0512, "5.1 %"), (-0.0001, "0.0 %"), (-0.02, "-2.0 %"), (1.2, "120 %")])

    def test_a_folder_name_of_a_processor(self):
        self.expect(fmt.slug, [("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "intel-xeon-gold-6130-2-10ghz"),
                               ("AMD EPYC 7B13 Processor", "amd-epyc-7b13"), ("../..", "unknown-cpu"), ("", "unknown-cpu")])


if __name__ == "__main__":
    unittest.main()
