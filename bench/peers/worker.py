# SPDX-License-Identifier: MIT
"""The loop of a Python adapter; the requests and answers are those of worker.hpp."""

import ctypes
import mmap
import os
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass


def _tell_what_is_missing(kind, error, trace):
    if issubclass(kind, ModuleNotFoundError):
        print(f"missing\t{error}", flush=True)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell_what_is_missing

import numpy  # noqa: E402


SHORT = 0.05  # seconds; a fit that takes less is done once more, and that counts: see worker.cpp


@dataclass
class Task:
    samples: numpy.ndarray  # n x d, float32
    centroids: numpy.ndarray  # k x d, the given start
    tol: float
    threads: int


def _floats(path, rows, columns):
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), rows * columns * 4, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE)
    return numpy.frombuffer(mapped, dtype=numpy.float32).reshape(rows, columns)


def _memory(name):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def _reset_peak():
    """Starts the high-water mark anew; what is resident, or -1 where the kernel does not know how."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
            clear.write("5")
        return _memory("VmRSS:")
    except (OSError, AttributeError):
        return -1


def _answer(line, make, threads):
    verb, samples, n, d, centroids, k, max_iter, tol, mode, limit, result = line.split()
    if verb != "fit" or mode not in ("given", "own"):
        raise ValueError(f"not a request: {line}")
    task = Task(_floats(samples, int(n), int(d)), _floats(centroids, int(k), int(d)), float(tol), threads)
    before = _reset_peak()
    start = time.perf_counter()
    adapter = make(task)
    conversion = time.perf_counter() - start
    _reset_peak()  # what a conversion took in between is not the library's

    limit = float(limit)
    if limit > 0 and mode == "own":
        adapter.given(1)
    elif limit > 0 and (expected := _expected_seconds(adapter, int(max_iter), limit)) > limit:
        return f"slow {expected}"

    seconds = 0
    for _ in range(2):
        if seconds >= SHORT:
            break
        start = time.perf_counter()
        fitted, n_iter, *used = adapter.own() if mode == "own" else adapter.given(int(max_iter))
        seconds = time.perf_counter() - start
    peak = -1 if before < 0 else _memory("VmHWM:") - before
    fitted = numpy.ascontiguousarray(fitted, dtype=numpy.float32)
    if fitted.shape != task.centroids.shape:
        raise ValueError("not k centroids")
    fitted.tofile(result)
    return f"ok {seconds!r} {conversion!r} {n_iter} {peak} {used[0] if used else 0}"


def _expected_seconds(adapter, max_iter, limit):
    """Warms the adapter up; what max_iter iterations will take. See worker.cpp."""
    def timed(iterations):
        start = time.perf_counter()
        adapter.given(iterations)
        return time.perf_counter() - start

    for _ in range(2):  # the first may start threads
        once = timed(1)
        if once * max_iter <= limit:
            return once * max_iter
    if once > limit / 2 or max_iter <= 3:
        return once * max_iter
    return once + (max_iter - 1) * max(0.0, timed(3) - once) / 2


def build(module):
    """Who compiled a package, with what, as far as that is known; the pools of threads that it has loaded."""
    text = f"Python {sys.version.split()[0]}"
    try:
        owner = subprocess.run(["dpkg-query", "-S", module.__file__], capture_output=True, text=True, check=True).stdout.split(":")[0]
        package = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}", owner], capture_output=True, text=True, check=True).stdout
        flags = dict.fromkeys(flag for flag in sysconfig.get_config_var("CFLAGS").split() if flag.startswith(("-O", "-m")))
        text += f"; Debian package {package}, Python's flags for extensions {' '.join(flags)}"
    except (OSError, subprocess.CalledProcessError):
        text += "; not from a Debian package"
    try:
        import threadpoolctl
    except ImportError:
        return text
    pools = {" ".join(str(pool.get(key) or "") for key in ("internal_api", "version", "architecture", "num_threads")) for pool in threadpoolctl.threadpool_info()}
    return "; ".join([text, *(" ".join(pool.split()) + " threads" for pool in sorted(pools))])


def serve(make, version, build, marks=""):
    """`make(task)` gives an object with given(max_iter) and own(), which return (centroids, iterations or -1), and
    where the library draws a sample the number of samples that it used."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints goes to stderr
    threads = int(sys.argv[1])
    answers.write("\t".join(("ready", version, build, marks)) + "\n")
    for line in sys.stdin:
        try:
            text = _answer(line, make, threads)
        except Exception as error:  # whatever a library throws is an answer, too
            text = f"error {type(error).__name__}: {error}"
        answers.write(" ".join(text.splitlines()) + "\n")
