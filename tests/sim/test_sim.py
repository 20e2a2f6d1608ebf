"""The simulator itself: the same seed gives the same history, and bad usage is refused."""
import os
import subprocess
import unittest

SIM = os.environ["BELFRY_SIM"]


def sim(*words):
    return subprocess.run([SIM, *words], capture_output=True, check=False, timeout=100)


class Histories(unittest.TestCase):
    def history(self, seed):
        done = sim("--seed", str(seed), "--history")
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])
        lines = done.stdout.splitlines()
        self.assertGreater(len(lines), 20)
        return [line for line in lines if b"job-days a minute" not in line]

    def test_the_same_seed_gives_the_same_history(self):
        for seed in (2, 4, 7):
            self.assertEqual(self.history(seed), self.history(seed))

    def test_another_seed_gives_another_history(self):
        self.assertNotEqual(self.history(2), self.history(4))

    def test_what_came_before_a_seed_is_of_no_matter(self):
        alone = sim("--seed", "5", "--history").stdout
        behind = sim("--seed", "4", "--seeds", "2", "--history").stdout
        self.assertEqual(alone.splitlines()[-1], behind.splitlines()[-1])


class Usage(unittest.TestCase):
    def test_what_is_no_option_is_refused(self):
        for words in (["--nodes", "9"], ["--nodes"], ["--seeds"], ["--seeds", "many"], ["--days", "-1"]):
            done = sim(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.startswith(b"belfry-sim: "), done.stderr)

    def test_help_says_how_many_nodes(self):
        self.assertIn(b"--nodes K", sim("--help").stdout)


class Nodes(unittest.TestCase):
    def test_their_history_is_the_same_each_time(self):
        words = ["--seed", "6", "--days", "1", "--nodes", "3", "--history"]
        one, other = sim(*words), sim(*words)
        self.assertEqual(one.returncode, 0, one.stdout[-2000:])
        lines = [line for line in one.stdout.splitlines() if b"a minute" not in line]
        self.assertEqual(lines, [line for line in other.stdout.splitlines()
                                 if b"a minute" not in line])
        self.assertTrue(any(b" n2 " in line for line in lines))

    def test_what_is_to_happen_between_them_does(self):
        told = sim("--seeds", "25", "--nodes", "2", "--bare").stdout
        for word in (b"pauses", b"that were slow", b"fenced", b"stale", b"takeovers",
                     b"runs taken over", b"runs handed over", b"claims lost to another node",
                     b"instants skipped for another node's run", b"gates shut by the lease"):
            self.assertIn(word, told)


if __name__ == "__main__":
    unittest.main()
