# SPDX-License-Identifier: MIT
"""A made-up Google Benchmark document in the form that the suite writes. Nothing in it was measured."""

import json
import sys
import zlib

DATASETS = ["blobs", "anisotropic", "uniform", "imbalanced", "embedding"]
SIZES = [(100_000, 16, 64), (100_000, 64, 64), (100_000, 64, 256), (10_000, 64, 64), (100_000, 8, 16), (100_000, 64, 16)]
# name: (times faster than naive on one thread, exact, threads it can use)
BACKENDS = {
    "naive": (1.0, 1, [1]), "textbook": (6.0, 0, [1]), "openmp": (1.0, 1, [1, 2]), "simd": (21.0, 1, [1, 2]),
    "elkan": (34.0, 1, [1, 2]), "auto": (33.0, 1, [1, 2]),
}
PEAKS = {"scalar": 8.0, "avx2": 92.0, "avx512": 150.0}


def wobble(*key):
    """A number in [0, 1) that depends on the key alone."""
    return zlib.crc32(repr(key).encode()) / 2**32


def context():
    values = {
        "date": "2026-03-02T10:11:12+00:00", "host_name": "here", "num_cpus": 2, "omnimeans_version": "0.1.0",
        "git_commit": "0123456789abcdef0123456789abcdef01234567", "compiler": "GNU 12.2.0", "build_flags": "-O3 -DNDEBUG",
        "cpu_model": "Example(R) Processor 9000 CPU @ 2.50GHz", "isa": "avx512", "integer_products": "VNNI", "threads_available": "2", "suite": "quick",
        "ram_bytes": str(24 * 2**30), "read_bandwidth_gbs/threads:1": "12.5", "read_bandwidth_gbs/threads:2": "21.0",
    }
    for isa, peak in PEAKS.items():
        for dtype, factor in (("f32", 1.0), ("f64", 0.5)):
            for threads in (1, 2):
                values[f"peak_gflops/{isa}/{dtype}/threads:{threads}"] = f"{peak * factor * threads:.3f}"
    return values


def entries(name, seconds, counters, label="", repetitions=3, suffix="/repeats:3/manual_time"):
    """The rows of one benchmark: its repetitions, then the aggregates."""
    run_name = name + suffix
    for i in range(repetitions):
        shift = 1 + 0.04 * (wobble(name, i) - 0.5)
        yield {"name": run_name, "run_name": run_name, "run_type": "iteration", "repetitions": repetitions,
               "repetition_index": i, "threads": 1, "iterations": 1, "real_time": seconds * shift * 1e3, "cpu_time": seconds * 1e3,
               "time_unit": "ms", "label": label, **counters}
    for aggregate in ("mean", "median", "stddev", "cv"):
        relative = aggregate in ("stddev", "cv")
        yield {"name": f"{run_name}_{aggregate}", "run_name": run_name, "run_type": "aggregate", "repetitions": repetitions,
               "threads": 1, "aggregate_name": aggregate, "iterations": repetitions, "time_unit": "ms", "label": label,
               "real_time": 0.02 if relative else seconds * 1e3, "cpu_time": 0.02 if relative else seconds * 1e3}


def failure(name, message):
    run_name = name + "/repeats:3/manual_time"
    return {"name": run_name, "run_name": run_name, "run_type": "iteration", "repetitions": 3, "repetition_index": 0,
            "threads": 1, "iterations": 0, "error_occurred": True, "error_message": message, "real_time": 0.0,
            "cpu_time": 0.0, "time_unit": "ms"}


def fit_rows(group, datasets, sizes):
    for dataset in datasets:
        for dtype in ("f32", "f64"):
            for n, d, k in sizes:
                passes = 25 if group == "fit" else 1
                naive = passes * 3e-9 * n * d * k * (0.6 + 0.4 * 16 / d)
                for backend, (faster, exact, threads) in BACKENDS.items():
                    for t in threads:
                        yield from fit_row(group, dataset, dtype, (n, d, k), backend, (faster, exact, t), passes, naive)


def fit_row(group, dataset, dtype, size, backend, how, passes, naive):
    n, d, k = size
    faster, exact, t = how
    name = f"{group}/{dataset}/dtype:{dtype}/n:{n}/d:{d}/k:{k}/{backend}/threads:{t}"
    if backend == "elkan" and dataset == "uniform" and k == 256 and dtype == "f64":
        yield failure(name, "labels differ from naive's at 3 samples (first: 17)")
        return
    share = 1.0
    if backend in ("elkan", "auto"):
        share = {"blobs": 0.05, "uniform": 0.5}.get(dataset, 0.15) * (2 if k < 32 else 1)
        faster *= 0.5 + 0.2 / share
    if dtype == "f64" and backend not in ("naive", "openmp"):
        faster *= 0.55
    seconds = naive / faster / (t**0.93) * (0.8 + 0.4 * wobble(name))
    flops = 2.0 * n * d * k * passes / seconds / 1e9
    isa = "scalar" if backend in ("naive", "openmp") else "avx512"
    n_iter = passes + 2 if backend == "textbook" and group == "fit" else passes
    yield from entries(name, seconds, {
        "GFLOPs": flops, "peak_share": flops / (PEAKS[isa] * t * (1 if dtype == "f32" else 0.5)), "distances": share * n * k * passes,
        "distances_share": share, "reranked": 3.0, "n_iter": n_iter, "inertia": 1234.5, "memory_bytes": 4.0 * n * k,
        "seconds_per_iteration": seconds / n_iter, "exact": exact, **({} if exact else {"inertia_ratio": 1.002})},
        f"{'elkan' if backend == 'auto' else backend}/{isa}")


def kernel_rows():
    for kernel in ("assign", "distance_block", "update"):
        for isa, peak in PEAKS.items():
            for dtype in ("f32", "f64"):
                for d, k in ((16, 64), (64, 256)):
                    speed = peak * (0.5 + 0.4 * wobble(kernel, isa, dtype, d)) * (1 if dtype == "f32" else 0.5)
                    yield from entries(f"kernel/{kernel}/{isa}/dtype:{dtype}/d:{d}/k:{k}", 1e-3,
                                       {"GFLOPs": speed, "bytes_per_second": speed * 1e9 / (k / 2)}, suffix="")


def seeding_rows():
    for method, seconds in (("random", 2e-4), ("k-means++", 0.08)):
        for threads in (1, 2):
            yield from entries(f"seeding/{method}/blobs/dtype:f32/n:100000/d:16/k:64/threads:{threads}", seconds / threads,
                               {"distances": 6.4e6, "inertia": 99.0})


def limit_rows():
    a = {"avx2": 3.0, "avx512": 4.0}
    for dtype in ("f32", "f64"):
        for d, k in ((64, 256), (64, 10), (16, 256), (4, 64)):
            for isa, threads in (("avx2", 1), ("avx512", 1), ("avx512", 2)):
                share = 0.9 * d / (d + a[isa])
                rate = share * PEAKS[isa] * threads * (1 if dtype == "f32" else 0.5)
                yield from entries(f"limit/dense/{isa}/blobs/dtype:{dtype}/n:{4096 * threads}/d:{d}/k:{k}/threads:{threads}", 1e-3, {
                    "GFLOPs": rate, "bytes_per_second": rate * 1e9 * (4 if dtype == "f32" else 8) / (2 * k), "reranked_share": 0.001,
                    "argmin_operations": a[isa], "exact": 1}, f"simd/{isa}")
    for threads, rate in ((1, 10e9), (2, 18e9)):
        yield from entries(f"limit/iteration/avx512/corners/dtype:f32/n:1000000/d:16/k:4/threads:{threads}", 64e6 / rate, {
            "GFLOPs": rate * 2 / 1e9, "bytes_per_second": rate, "first_iteration_seconds": 128e6 / rate, "exact": 1}, "simd/avx512")
    yield from entries("limit/fit/avx512/uniform/dtype:f32/n:150/d:4/k:3/threads:2", 25e-6, {"microseconds": 25.0, "n_iter": 10},
                       "simd/avx512")


# name: (an iteration's time as a multiple of simd's, counters of its own)
LIBRARIES = {
    "faiss": (1.6, {"told_iterations": 1}), "opencv": (8.0, {"start_by_labels": 1}), "r-lloyd": (30.0, {"told_iterations": 1, "float64": 1}),
    "alglib": (25.0, {"told_iterations": 1, "own_start": 1, "same_end": 0, "inertia_ratio": 1.02, "float64": 1}),
    "sklearn-minibatch": (0.4, {"told_iterations": 1, "exact": 0, "same_end": 0, "inertia_ratio": 1.01}),
}


def peer_rows():
    """bench_peers: a slow machine's worth of libraries beside three backends of ours."""
    def rows(group, dataset, size, iters=25, names=(), prefix=""):
        n, d, k = size
        simd = 1e-11 * n * k * (d + 8)
        for name, times, own in [(b, t, {"ours": 1, "told_iterations": 1, "same_bits": 1}) for b, t in
                                 (("simd", 1.0), ("hamerly", 0.4 + 0.02 * d), ("auto", min(1.02, 0.42 + 0.02 * d)))] + \
                                [(b, t, {"ours": 0, **c}) for b, (t, c) in LIBRARIES.items()]:
            if names and name not in names:
                continue
            full = f"{group}/{dataset}/dtype:f32/n:{n}/d:{d}/k:{k}{prefix}/{name}/threads:2"
            if name == "r-lloyd" and n * d * k > 5e7:
                yield failure(full, "skipped: one iteration takes 9.1 s; the limit of a run is 5 s")
                continue
            each = simd * times * (0.7 + 0.6 * wobble(full.replace(f"iters:{iters}", "")))
            inertia = n * d * (1 + 1 / iters) * own.get("inertia_ratio", 1.0)
            yield from entries(full, each * iters, {
                "exact": 1, "same_end": 1, "inertia_ratio": 1.0, "stopped_early": 0, **own, "n_iter": iters, "inertia": inertia,
                "seconds_per_iteration": each, "GFLOPs": 2 * n * d * k / each / 1e9, "memory_bytes": 4e6 * (1 + times), "conversion_seconds": 1e-4,
            }, suffix="/iterations:1/process_time/manual_time")

    for dataset, size in (("pixels", (273280, 3, 16)), ("lattice", (100000, 2, 100)), ("embedding", (10000, 768, 100))):
        yield from rows("peer", dataset, size)
        yield from rows("own", dataset, size, 40, ("auto", "simd", *LIBRARIES))
    for iters in (1, 4):
        yield from rows("curve", "lattice", (100000, 2, 100), iters, ("auto", "simd", "faiss", "opencv"), f"/iters:{iters}")
    for size in [(10000, d, k) for d in (2, 16, 128) for k in (8, 128)] + [(1000, 16, k) for k in (8, 128)]:
        yield from rows("map", "blobs", size)


def document(small=False, peers=False):
    datasets, sizes = (DATASETS[:2], SIZES[:2]) if small else (DATASETS, SIZES)
    rows = [*fit_rows("fit", datasets, sizes), *fit_rows("assign", datasets[:2], sizes[:2]), *kernel_rows(), *seeding_rows(), *limit_rows()]
    if not peers:
        return {"context": context(), "benchmarks": rows}
    about = {f"peer/{name}": f"1.2 | as installed | {'approximate' if 'minibatch' in name else ''}" for name in LIBRARIES}
    return {"context": context() | about | {"peer/onedal": "left out: it died with exit code 1"}, "benchmarks": [*rows, *peer_rows()]}


def seeding_method(name, seconds, inertia):
    return {"name": name, "passes": 2, "distances_share": 1.0, "seconds": seconds, "inertia": inertia}


STUDY = {"seeds": 20, "isa": "avx2", "sets": [
    {"dataset": kind, "n": 100, "d": 3, "k": 5,
     "methods": [seeding_method("random", [0.001, 0.002, 0.003], [9.0, 4.0, 3.0]),
                 seeding_method("k-means++", [0.002, 0.003, 0.004], [5.0, 3.0, 2.0])]}
    for kind in ("blobs", "grid", "uniform", "images")]}


if __name__ == "__main__":
    json.dump(document(peers=True), sys.stdout, indent=1)
