#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares two runs: see compare.sh --help."""

import sys

from report.compare import main

if __name__ == "__main__":
    sys.exit(main())
