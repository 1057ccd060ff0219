# SPDX-License-Identifier: MIT
"""The benchmark report: loading -> analysis -> tables, plots, page. Each figure comes from the JSON."""
