"""Results as TAP, for tests that look at a program from outside."""


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, good, what, run):
        """`run` tells all that it knows by said(), where something is not good."""
        self.count += 1
        self.failed += not good
        print("ok" if good else "not ok", self.count, "-", what)
        if not good:
            for line in run.said().splitlines():
                print("#", line)

    def skip(self, what, reason):
        self.count += 1
        print("ok", self.count, "-", what, "# SKIP", reason)

    def end(self):
        """The exit status, with the last line told."""
        print("1..%d" % self.count)
        return 1 if self.failed else 0
