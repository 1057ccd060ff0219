# SPDX-License-Identifier: MIT
"""Numbers as people read them. A missing value is an empty string."""


def three(value):
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}".replace(",", "\u2009")
    if magnitude >= 10:
        return f"{value:.1f}"
    if magnitude >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"


def seconds(value):
    if value is None:
        return ""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor:
            return f"{three(value / factor)} {unit}"
    return f"{three(value * 1e9)} ns"


def times(value):
    return "" if value is None else f"{three(value)}×"


def percent(value):
    if value is None:
        return ""
    points = value * 100 if abs(value) >= 0.0005 else 0.0  # never "-0.0 %"
    return f"{points:.0f} %" if abs(points) >= 10 else f"{points:.1f} %"


def plain(value):
    return "" if value is None else three(value)


def count(value):
    return "" if value is None else f"{int(round(value)):,}".replace(",", "\u2009")


def size(value):
    """Bytes in binary units."""
    if value is None:
        return ""
    for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= factor:
            return f"{three(value / factor)} {unit}"
    return f"{int(value)} B"


def threads(value):
    return "1 thread" if value == 1 else f"{value} threads"


def problem(row):
    """"blobs f32 n 100 000 d 32 k 100": a problem in words; a letter keeps to its number."""
    parts = [row.dataset, row.dtype]
    parts += [f"{axis}\u00a0{count(getattr(row, axis))}" for axis in ("n", "d", "k") if getattr(row, axis) is not None]
    return " ".join(part for part in parts if part)


def machine(run):
    """"Xeon, AMX": the CPU's name does not tell which products of integers it has, which decide over much."""
    return ", ".join(part for part in (run.text("cpu_model"), run.text("integer_products")) if part)


def slug(text):
    """A name for a folder: lower case, words joined by dashes."""
    for noise in ("(R)", "(TM)", "(r)", "(tm)", "CPU", "Processor"):
        text = text.replace(noise, " ")
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words) or "unknown-cpu"
