#!/usr/bin/python3
"""The library as others get it: installed, found by pkg-config, compiled and linked
outside the tree, as a shared library, as an archive, and from C++.

    outside.py BUILD_FOLDER EXAMPLE.c
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, EXAMPLE = sys.argv[1:3]
ARGUMENTS = ["30 2 * * *", "Europe/Paris", "3", "1774656000000"]
EXPECTED = ("2026-03-28T01:30:00Z\n"
            "2026-03-29T01:00:00Z  shifted: its time was left out\n"
            "2026-03-30T00:30:00Z\n")


def run(*argv, **options):
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)
    if result.returncode != 0:
        raise AssertionError(f"{argv} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="belfry-outside-")
        root = os.path.join(cls.folder, "root")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
        found = [os.path.join(folder, name) for folder, _, names in os.walk(root)
                 for name in names if name == "belfry-schedule.pc"]
        assert len(found) == 1, found
        cls.env = {**os.environ, "PKG_CONFIG_LIBDIR": os.path.dirname(found[0]),
                   "PKG_CONFIG_SYSROOT_DIR": root}
        cls.libraries = run("pkg-config", "--variable=libdir", "belfry-schedule",
                            env=cls.env).strip()
        if not cls.libraries.startswith(root):
            cls.libraries = root + cls.libraries
        cls.source = shutil.copy(EXAMPLE, cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def flags(self, *options):
        return run("pkg-config", *options, "belfry-schedule", env=self.env).split()

    def check(self, program, **env):
        output = run(program, *ARGUMENTS, env={**os.environ, **env})
        self.assertEqual(EXPECTED, output.split("\n", 1)[1])
        self.assertIn("02:30", output.split("\n", 1)[0])

    def test_shared(self):
        program = os.path.join(self.folder, "shared")
        run("cc", "-Wall", "-Wextra", "-Werror", self.source, *self.flags("--cflags", "--libs"),
            "-o", program)
        self.assertIn("libbelfry-schedule.so.0", run("readelf", "-d", program))
        self.check(program, LD_LIBRARY_PATH=self.libraries)

    def test_archive(self):
        program = os.path.join(self.folder, "archive")
        flags = [flag if flag != "-lbelfry-schedule" else
                 os.path.join(self.libraries, "libbelfry-schedule.a")
                 for flag in self.flags("--cflags", "--libs", "--static")]
        run("cc", self.source, *flags, "-o", program)
        self.check(program)

    def test_header_in_c_plus_plus_and_in_strict_c(self):
        path = os.path.join(self.folder, "include.c")
        with open(path, "w", encoding="ascii") as file:
            file.write("#include <belfry/schedule.h>\nint main(void) { return 0; }\n")
        run("cc", "-std=c99", "-pedantic-errors", "-Wall", "-Werror", "-fsyntax-only", path,
            *self.flags("--cflags"))
        if shutil.which("c++"):
            run("c++", "-x", "c++", "-fsyntax-only", path, *self.flags("--cflags"))

    def test_only_our_names_are_visible(self):
        shared = os.path.join(self.libraries, "libbelfry-schedule.so")
        archive = os.path.join(self.libraries, "libbelfry-schedule.a")
        for option, path in (("-gD", shared), ("-g", archive)):
            names = [line.split()[-1] for line in
                     run("nm", option, "--defined-only", path).splitlines()
                     if len(line.split()) == 3]
            self.assertIn("belfry_schedule_next", names)
            self.assertEqual([], [name for name in names if not name.startswith("belfry_")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
