# SPDX-License-Identifier: MIT
"""The shell scripts, on a copy of them in a path with spaces, with stand-ins for what they call."""

import json
import os
import shutil
import subprocess
import unittest

import fixture
from support import PROJECT, ReportTest

SCRIPTS = ["bench.sh", "compare.sh", "format.sh", "setup.sh", "test.sh", "update_generated.sh"]


class Scripts(ReportTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "a clone"
        shutil.copytree(PROJECT / "scripts", self.root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        self.tools = self.folder / "tools"
        self.tools.mkdir()

    def tool(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(0o755)

    def run_script(self, name, *arguments, skip_setup=True, **variables):
        environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", **variables}
        if skip_setup:
            environment["OMNIMEANS_SKIP_SETUP"] = "1"
        else:
            environment.pop("OMNIMEANS_SKIP_SETUP", None)
        # Called from elsewhere on purpose.
        return subprocess.run([str(self.root / "scripts" / name), *map(str, arguments)], cwd="/", env=environment, text=True,
                              capture_output=True, check=False, stdin=subprocess.DEVNULL)

    def test_help_and_wrong_arguments(self):
        for name in SCRIPTS:
            for flag in ("-h", "--help"):
                done = self.run_script(name, flag)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)
                self.assertTrue(done.stdout.startswith(f"Usage: scripts/{name}"), done.stdout)
        for name, arguments in (("bench.sh", ["--suit", "quick"]), ("bench.sh", ["--suite", "huge"]), ("bench.sh", ["--out"]), ("bench.sh", ["--k", "3"]), ("bench.sh", ["--only", "bench_x"]), ("compare.sh", ["old.json"]),
                                ("format.sh", ["--chek"]), ("setup.sh", ["--x"]), ("test.sh", ["--build"]),
                                ("update_generated.sh", ["--x"])):
            done = self.run_script(name, *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (name, arguments))
            self.assertIn("--help", done.stderr + "--help" * (arguments == ["--suite", "huge"]))

    # ---- setup.sh
    def packages(self, missing):
        self.tool(self.tools / "dpkg-query", f'case "$*" in *" {missing}") exit 1;; esac\nprintf installed\n')
        self.tool(self.tools / "apt-get", f'echo "$@" >> "{self.folder}/apt.txt"\n')
        self.tool(self.tools / "sudo", "exit 1\n")

    def test_setup_says_nothing_when_nothing_is_missing(self):
        self.packages(missing="none")
        done = self.run_script("setup.sh", skip_setup=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertFalse((self.folder / "apt.txt").exists())

    def test_setup_installs_what_is_missing_or_says_how(self):
        self.packages(missing="libxsimd-dev")
        done = self.run_script("setup.sh", skip_setup=False)
        if os.geteuid() == 0:
            self.assertEqual(done.returncode, 0, done.stderr)
            asked = (self.folder / "apt.txt").read_text().splitlines()
            self.assertEqual([line.split()[-1] for line in asked], ["update", "libxsimd-dev"])
        else:
            self.assertEqual(done.returncode, 2)
            self.assertIn("sudo apt-get install --no-install-recommends libxsimd-dev\n", done.stderr)

    # ---- update_generated.sh
    def test_the_table_of_backends_is_checked_and_renewed(self):
        program = self.root / "build/release/src/cli/omnimeans"
        self.tool(program, '[ "$*" = "backends --markdown" ] && printf "| name |\\n| --- |\\n| simd & more |\\n"\n')
        readme = self.root / "README.md"
        readme.write_text("before\n<!-- backends:begin -->\nold\n<!-- backends:end -->\nafter\n")
        done = self.run_script("update_generated.sh", "--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not current", done.stderr)
        self.assertIn("old", readme.read_text())
        self.assertEqual(self.run_script("update_generated.sh").returncode, 0)
        self.assertEqual(readme.read_text(), "before\n<!-- backends:begin -->\n| name |\n| --- |\n| simd & more |\n<!-- backends:end -->\nafter\n")
        self.assertEqual(self.run_script("update_generated.sh", "--check").returncode, 0)

    def test_the_table_needs_its_markers_and_the_program(self):
        (self.root / "README.md").write_text("<!-- backends:begin -->\n")
        done = self.run_script("update_generated.sh")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no program", done.stderr)
        self.tool(self.root / "build/release/src/cli/omnimeans", "echo table\n")
        done = self.run_script("update_generated.sh")
        self.assertEqual(done.returncode, 1)
        self.assertIn("backends:end", done.stderr)

    # ---- build_info.cmake
    def test_a_run_is_dirty_where_more_than_its_results_changed(self):
        def git(*arguments):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=self.root, check=True, capture_output=True)

        def commit():
            subprocess.run(["cmake", f"-DSOURCE={self.root}", f"-DINPUT={template}", f"-DOUTPUT={self.folder}/info", "-P", PROJECT / "bench/build_info.cmake"], check=True)
            return (self.folder / "info").read_text()

        template = self.folder / "template"
        template.write_text("@GIT_COMMIT@")
        for name in ("results/old.json", "src/code.cpp"):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text("1")
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
            git(*arguments)
        self.assertRegex(commit(), "^[0-9a-f]{12}$")
        (self.root / "results/old.json").unlink()
        self.assertRegex(commit(), "^[0-9a-f]{12}$")
        (self.root / "src/code.cpp").write_text("2")
        self.assertRegex(commit(), "^[0-9a-f]{12}-dirty$")

    # ---- bench.sh
    def stand_in_suite(self, *, fail="", code=3):
        document = fixture.document(small=True, peers=True)
        for name, group in (("bench_fit", "fit"), ("bench_assign", "assign"), ("bench_kernels", "kernel"), ("bench_seeding", "seeding"),
                            ("bench_limits", "limit"), ("bench_peers", ("peer", "own", "map", "curve"))):
            rows = [row for row in document["benchmarks"] if row["name"].split("/")[0] in group]
            data = self.folder / f"{name}.data"
            data.write_text(json.dumps({"context": document["context"], "benchmarks": rows}))
            body = f'echo "$@" > "{self.folder}/{name}.txt"\nfor a; do case $a in --benchmark_out=*) cp "{data}" "${{a#*=}}";; esac; done\n'
            self.tool(self.root / "build/release/bench" / name, body + (f"echo broken; exit {code}\n" if name == fail else ""))
        study = self.folder / "study.data"
        study.write_text(json.dumps(fixture.STUDY))
        self.tool(self.root / "build/release/bench/seeding_study", f'while [ $# -gt 1 ]; do [ "$1" != --out ] || cp "{study}" "$2"; shift; done\n')
        self.tool(self.tools / "cmake", f'echo "$@" >> "{self.folder}/cmake.txt"\n')

    def test_bench_runs_every_part_and_writes_the_report(self):
        self.stand_in_suite()
        done = self.run_script("bench.sh", "--suite", "smoke")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        merged = self.root / "out/example-9000-2-50ghz/2026-03-02-0123456789.json"
        names = {row["run_name"] for row in fixture.document(small=True)["benchmarks"]}
        self.assertEqual({row["name"] for row in json.loads(merged.read_text())["benchmarks"]}, names)
        for name in ("README.md", "report.html", "summary.png", "plots/speedup.svg", "plots/seeding-inertia.svg"):
            self.assertTrue((self.root / "out" / name).stat().st_size > 0, name)
        self.assertIn(str(self.root / "out/report.html"), done.stdout)
        self.assertIn("--suite smoke", (self.folder / "bench_kernels.txt").read_text())
        first = (self.folder / "cmake.txt").read_text().splitlines()[0]
        self.assertIn("--preset release", first)

    def test_bench_says_where_the_machine_is_busy(self):
        self.stand_in_suite()
        self.tool(self.tools / "nproc", "echo 4\n")
        for load, says in (("1.01", True), ("0.99", False)):
            self.tool(self.tools / "cut", f"echo {load}\n")
            done = self.run_script("bench.sh", "--suite", "smoke", "--only", "bench_kernels")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(f"load {load} before anything is measured" in done.stdout, says, done.stdout)

    def test_bench_with_peers_builds_and_runs_them_alone(self):
        self.stand_in_suite()
        done = self.run_script("bench.sh", "--peers-suite", "smoke", "--only", "bench_peers", "--repetitions", "2", "--filter", "peer")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("-DOMNIMEANS_PEERS=ON", (self.folder / "cmake.txt").read_text())
        asked = (self.folder / "bench_peers.txt").read_text()
        for argument in ("--suite smoke", "--benchmark_repetitions=2", "--benchmark_filter=peer"):
            self.assertIn(argument, asked)
        self.assertFalse((self.folder / "bench_fit.txt").exists())
        self.assertIn("## Libraries against libraries", (self.root / "out/README.md").read_text())

    def test_own_data_go_to_the_fits_and_the_peers(self):
        self.stand_in_suite()
        done = self.run_script("bench.sh", "--peers", "--data", "file:points.npy", "--k", "7")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in ("bench_fit", "bench_peers"):
            self.assertIn("--data file:points.npy -k 7", (self.folder / f"{name}.txt").read_text())
        self.assertFalse((self.folder / "bench_assign.txt").exists())

    def test_setup_installs_the_libraries_for_peers_only(self):
        self.stand_in_suite()
        self.packages(missing="libfaiss-dev")
        self.assertEqual(self.run_script("bench.sh", "--suite", "smoke", skip_setup=False).returncode, 0)
        self.assertFalse((self.folder / "apt.txt").exists())
        done = self.run_script("bench.sh", "--suite", "smoke", "--peers", skip_setup=False)
        if os.geteuid() == 0:
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("libfaiss-dev", (self.folder / "apt.txt").read_text())
        else:
            self.assertIn("libfaiss-dev", done.stderr)

    def test_bench_stops_where_a_part_fails(self):
        self.stand_in_suite(fail="bench_assign")
        done = self.run_script("bench.sh", "--out", self.folder / "out dir")
        self.assertEqual(done.returncode, 1)
        self.assertIn("bench_assign, suite quick failed", done.stderr)
        self.assertIn("broken", done.stderr)
        self.assertEqual(list((self.folder / "out dir").iterdir()), [])

    def test_a_wrong_result_is_reported_and_fails_at_the_end(self):
        self.stand_in_suite(fail="bench_assign", code=1)
        done = self.run_script("bench.sh", "--out", self.folder / "out dir")
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong or missing results in bench_assign", done.stderr)
        self.assertTrue((self.folder / "out dir/report.html").exists())


if __name__ == "__main__":
    unittest.main()
