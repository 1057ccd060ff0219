#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns Google Benchmark JSON into tables, plots and a page: see report.py --help."""

import sys

from report.cli import main

if __name__ == "__main__":
    sys.exit(main())
