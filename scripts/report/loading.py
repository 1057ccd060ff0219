# SPDX-License-Identifier: MIT
"""Google Benchmark JSON -> Run: one Row for each benchmark, its repetitions folded into median and spread."""

import json
import math
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

ISAS = ["scalar", "sse42", "avx2", "avx512", "neon"]  # as the library lists them: slowest first
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}

# What Google Benchmark itself writes for a benchmark; every other number is a counter of ours.
STANDARD_KEYS = {
    "name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions", "repetition_index",
    "aggregate_name", "aggregate_unit", "real_time", "cpu_time", "time_unit", "label", "error_occurred",
    "error_message", "skipped", "skip_message", "times",
}

# The data set comes before "dtype:", so that one named file:/some/path may contain slashes.
FIT_NAME = re.compile(
    r"^(?P<group>fit|assign)/(?P<dataset>.+?)/dtype:(?P<dtype>\w+)/n:(?P<n>\d+)/d:(?P<d>\d+)/k:(?P<k>\d+)"
    r"/(?P<backend>[^/]+)/threads:(?P<threads>\d+)(?:/|$)")
SEEDING_NAME = re.compile(
    r"^(?P<group>seeding)/(?P<backend>[^/]+)/(?P<dataset>.+?)/dtype:(?P<dtype>\w+)/n:(?P<n>\d+)/d:(?P<d>\d+)"
    r"/k:(?P<k>\d+)/threads:(?P<threads>\d+)(?:/|$)")
KERNEL_NAME = re.compile(
    r"^(?P<group>kernel)/(?P<backend>[^/]+)/(?P<isa>[^/]+)/dtype:(?P<dtype>\w+)(?:/n:(?P<n>\d+))?/d:(?P<d>\d+)"
    r"/k:(?P<k>\d+)(?:/threads:(?P<threads>\d+))?(?:/|$)")
LIMIT_NAME = re.compile(
    r"^(?P<group>limit)/(?P<backend>[^/]+)/(?P<isa>[^/]+)/(?P<dataset>.+?)/dtype:(?P<dtype>\w+)/n:(?P<n>\d+)/d:(?P<d>\d+)"
    r"/k:(?P<k>\d+)/threads:(?P<threads>\d+)(?:/|$)")
# bench_peers; "iters" in group "curve" only.
PEER_NAME = re.compile(
    r"^(?P<group>peer|map|curve|own)/(?P<dataset>.+?)/dtype:(?P<dtype>\w+)/n:(?P<n>\d+)/d:(?P<d>\d+)/k:(?P<k>\d+)"
    r"(?:/iters:(?P<iters>\d+))?/(?P<backend>[^/]+)/threads:(?P<threads>\d+)(?:/|$)")
CEILING = re.compile(r"^(?:peak_gflops/(?P<isa>[^/]+)/(?P<dtype>[^/]+)|read_bandwidth_gbs)/threads:(?P<threads>\d+)$")


class ReportError(Exception):
    """The input cannot be reported on; the message says why and where."""


@dataclass
class Row:
    """One benchmark. `backend` is a kernel's name in group "kernel", a method's in group "seeding", and "dense", "iteration" or
    "fit" in group "limit"."""

    group: str
    dataset: str
    dtype: str
    n: int | None
    d: int
    k: int
    backend: str
    threads: int
    isa: str = ""
    ran: str = ""  # the backend that ran: what "auto" chose
    seconds: float | None = None  # median of the repetitions
    spread: float | None = None  # (slowest - fastest) / median, or the coefficient of variation
    repetitions: int = 0
    times: list = field(default_factory=list)  # of the repetitions, in seconds
    counters: dict = field(default_factory=dict)
    iters: int | None = None  # of a prefix of a fit, in group "curve"
    error: str = ""

    @property
    def ok(self):
        return not self.error and self.seconds is not None

    @property
    def skipped(self):
        """Left out on purpose, e.g. a library that would take too long: no failure."""
        return self.error.startswith("skipped: ")

    @property
    def problem(self):
        return (self.group, self.dataset, self.dtype, self.n, self.d, self.k)

    @property
    def exact(self):
        """True, False, or None where the file does not say."""
        value = self.counters.get("exact")
        return None if value is None else value >= 0.5

    def counter(self, name):
        value = self.counters.get(name)
        return value if value is not None and math.isfinite(value) else None


@dataclass
class Run:
    context: dict
    rows: list
    sources: list
    unknown: list  # names that follow none of the patterns

    def group(self, *names):
        return [row for row in self.rows if row.group in names]

    def text(self, key, default=""):
        value = self.context.get(key, default)
        return default if value is None else str(value)

    def commit(self):
        """Twelve digits, and whether files were changed since."""
        commit = self.text("git_commit")
        return commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")

    def peaks(self):
        """{(isa, dtype, threads): GFLOP/s} as measured."""
        found = {}
        for key, value in self.context.items():
            match = CEILING.match(key)
            if match and match["isa"] and number(value):
                found[(match["isa"], match["dtype"], int(match["threads"]))] = number(value)
        return dict(sorted(found.items(), key=lambda item: (isa_rank(item[0][0]), item[0])))

    def bandwidths(self):
        """{threads: GB/s} as measured."""
        found = {}
        for key, value in self.context.items():
            match = CEILING.match(key)
            if match and not match["isa"] and number(value):
                found[int(match["threads"])] = number(value)
        return dict(sorted(found.items()))

    def backends(self, *groups):
        """Names in the order in which the suite has them: the registry's."""
        return list(dict.fromkeys(row.backend for row in self.group(*(groups or ("fit", "assign")))))


def number(value):
    """A finite float, or None."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def isa_rank(isa):
    return ISAS.index(isa) if isa in ISAS else len(ISAS)


def parse_name(name):
    for pattern in (FIT_NAME, SEEDING_NAME, KERNEL_NAME, LIMIT_NAME, PEER_NAME):
        match = pattern.match(name)
        if match:
            return match.groupdict()
    return None


def _last_wins(pairs):
    """Google Benchmark writes a counter named like a field of its own ("iterations") as a second key: ours is the
    last. A mark keeps the two cases apart."""
    merged = {}
    for key, value in pairs:
        if key in merged:
            merged.setdefault("_counters_over_fields", []).append(key)
        merged[key] = value
    return merged


def read_json(path):
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_last_wins)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ReportError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("benchmarks"), list):
        raise ReportError(f"{path}: no 'benchmarks' list: not the output of --benchmark_out")
    content.setdefault("context", {})
    for entry in content["benchmarks"]:
        # A merged file has been through here before; it keeps our counter under "n_iter".
        shadowed = entry.pop("_counters_over_fields", [])
        if "iterations" in shadowed:
            entry["n_iter"] = entry["iterations"]
    return content


def merge(paths):
    """One Google Benchmark document of the parts of one run. A ceiling measured by several parts is the highest."""
    if not paths:
        raise ReportError("no input")
    parts = [read_json(path) for path in paths]
    context = {}
    for path, part in zip(paths, parts):
        for key in ("cpu_model", "isa", "integer_products", "git_commit"):
            theirs = part["context"].get(key)
            if theirs and context.get(key, theirs) != theirs:
                raise ReportError(f"{path}: {key} is {theirs!r}, other parts have {context[key]!r}: not one run")
        for key, value in part["context"].items():
            if CEILING.match(key) and key in context:
                context[key] = max(context[key], value, key=lambda v: number(v) or 0.0)
            else:
                context.setdefault(key, value)
    return {"context": context, "benchmarks": [entry for part in parts for entry in part["benchmarks"]]}


def compact(document):
    """The same run with one entry for each benchmark, its times in a list and the medians of its counters: a tenth of the size.
    load() reads both forms."""
    runs = {}
    for entry in document["benchmarks"]:
        runs.setdefault(entry.get("run_name") or entry.get("name", ""), []).append(entry)
    benchmarks = []
    for name, entries in runs.items():
        entries = _needed(entries)
        plain = [e for e in entries if e.get("run_type", "iteration") == "iteration" and "aggregate_name" not in e] or entries
        short = {"name": name, "family_index": plain[0].get("family_index", 0)}
        if plain[0].get("label"):
            short["label"] = plain[0]["label"]
        failed = next((e for e in entries if e.get("error_occurred") or e.get("skipped")), None)
        if failed:
            short |= {"error_occurred": True, "error_message": failed.get("error_message") or failed.get("skip_message") or "failed"}
        else:
            times = [time for e in plain for time in e.get("times", [e.get("real_time")])]
            short |= {"time_unit": plain[0].get("time_unit", "ns"), "times": [_digits(t, 7) for t in times]}
            short |= {key: _digits(value, 10) for key, value in _median_counters(plain).items()}
        benchmarks.append(short)
    return {"context": document["context"], "benchmarks": benchmarks}


def _digits(value, digits):
    value = float(f"{value:.{digits}g}") if isinstance(value, float) else value
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def text_of(document):
    """JSON with a line for each benchmark."""
    def line(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    context = json.dumps(document["context"], ensure_ascii=False, indent=1)
    return f'{{"context": {context},\n"benchmarks": [\n' + ",\n".join(map(line, document["benchmarks"])) + "\n]}\n"


def load(paths):
    document = merge(paths)
    runs = {}
    # Random interleaving shuffles the file. The index of the family is the order in which the suite registered it; parts
    # count from 0 each, and the sort is stable, so that rows of one group keep their order among themselves.
    for entry in sorted(document["benchmarks"], key=lambda e: number(e.get("family_index")) or 0):
        runs.setdefault(entry.get("run_name") or entry.get("name", ""), []).append(entry)
    rows, unknown = [], []
    for name, entries in runs.items():
        parsed = parse_name(name)
        if parsed is None:
            unknown.append(name)
        else:
            rows.append(_row(parsed, entries))
    if not rows:
        raise ReportError(f"{', '.join(map(str, paths))}: no benchmark of a known name")
    return Run(document["context"], rows, [Path(p).name for p in paths], unknown)


def _needed(entries):
    """Without the repetitions that were not made because those before, or one of them, took long."""
    made = [e for e in entries if not str(e.get("error_message") or e.get("skip_message") or "").startswith(("enough: ", "skipped: "))]
    return made or entries


def _row(parsed, entries):
    entries = _needed(entries)
    row = Row(group=parsed["group"], dataset=parsed.get("dataset") or "", dtype=parsed["dtype"],
              n=int(parsed["n"]) if parsed.get("n") else None, d=int(parsed["d"]), k=int(parsed["k"]),
              backend=parsed["backend"], threads=int(parsed.get("threads") or 1), isa=parsed.get("isa") or "",
              iters=int(parsed["iters"]) if parsed.get("iters") else None)
    for entry in entries:
        label = str(entry.get("label") or "")
        if not row.isa and "/" in label:
            row.ran, row.isa = label.rsplit("/", 1)
        if entry.get("error_occurred") or entry.get("skipped"):
            row.error = str(entry.get("error_message") or entry.get("skip_message") or "failed")
    if row.error:
        return row

    plain = [e for e in entries if e.get("run_type", "iteration") == "iteration" and "aggregate_name" not in e]
    plain = [{**e, "real_time": time} for e in plain for time in e.get("times", [e.get("real_time")])]
    aggregates = {e.get("aggregate_name"): e for e in entries if e.get("aggregate_name")}
    if plain:
        times = [t for t in map(_seconds, plain) if t is not None]
        row.seconds = statistics.median(times) if times else None
        row.repetitions = len(times)
        row.times = times
        if len(times) > 1 and row.seconds:
            row.spread = (max(times) - min(times)) / row.seconds
        row.counters = _median_counters(plain)
    else:
        middle = aggregates.get("median") or aggregates.get("mean")
        if middle:
            row.seconds = _seconds(middle)
            row.repetitions = int(number(middle.get("repetitions")) or 0)
            row.counters = _median_counters([middle])
        if "cv" in aggregates:
            row.spread = number(aggregates["cv"].get("real_time"))
    if row.seconds is None:
        row.error = "no time in the file"
    return row


def _seconds(entry):
    value = number(entry.get("real_time"))
    return None if value is None else value * SECONDS.get(entry.get("time_unit", "ns"), 1e-9)


def _median_counters(entries):
    values = {}
    for entry in entries:
        for key, value in entry.items():
            # "iterations" and "threads" are Google Benchmark's own; the thread count of a fit is in its name.
            if key not in STANDARD_KEYS and key not in ("iterations", "threads") and number(value) is not None:
                values.setdefault(key, []).append(number(value))
    return {key: statistics.median(found) for key, found in values.items()}
