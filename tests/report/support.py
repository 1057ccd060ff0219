# SPDX-License-Identifier: MIT
"""What the report's tests share."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))


class ReportTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="omnimeans report ")  # a path with spaces
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def file(self, document, name="run.json"):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    def report(self, *arguments):
        """(exit code, stdout, stderr) of report.py."""
        from report.cli import main

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(a) for a in arguments])
        return code, out.getvalue(), err.getvalue()


def bench(name, *milliseconds, **counters):
    """Plain rows of one benchmark, one for each time; `error` makes it a failed one."""
    error = counters.pop("error", None)
    label = counters.pop("label", "")
    rows = []
    for time in milliseconds or (0.0,):
        row = {"name": name, "run_name": name, "run_type": "iteration", "iterations": 1, "threads": 1, "real_time": time,
               "cpu_time": time, "time_unit": "ms", "label": label, **counters}
        if error:
            row |= {"error_occurred": True, "error_message": error}
        rows.append(row)
    return rows


def fit(backend, *milliseconds, dataset="blobs", dtype="f32", n=1000, d=16, k=8, threads=1, group="fit", suffix="", **counters):
    name = f"{group}/{dataset}/dtype:{dtype}/n:{n}/d:{d}/k:{k}/{backend}/threads:{threads}{suffix}"
    return bench(name, *milliseconds, **counters)


def document(*groups, **context):
    return {"context": context, "benchmarks": [row for group in groups for row in group]}
