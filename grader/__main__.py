"""`python -m grader`: grade what was handed in, and print a table."""

from __future__ import annotations

import argparse
import sys
import warnings

from grader import workers
from grader.sandbox import NoSandbox


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grader", description=__doc__.partition(": ")[2])
    parser.add_argument("--student", default="*", help="grade this one only")
    parser.add_argument("--assignment", default="*", help="grade this one only")
    parser.add_argument("--again", action="store_true", help="also what has its marks and has not changed")
    parser.add_argument(
        "--jobs",
        type=int,
        default=0,
        help="how many to grade at a time (default: the cores, or a cluster's workers)",
    )
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster: grader/CLUSTER.md")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each, and no table")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--sandbox", choices=["bubblewrap", "docker", "podman"], help="use this and no other")
    where.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run students' code in this account: it can do all you can",
    )
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    backend = "none" if chosen.unsafe_no_sandbox else chosen.sandbox
    if not chosen.scheduler:
        workers.begin()
    from grader.build import config
    from grader.grade import grade_all
    from grader.progress import Json, Lines, Live
    from grader.submission import NoWorkers

    settings = config()
    if backend:
        settings.Sandbox.backend = backend
    progress = Json() if chosen.json else Live() if sys.stdout.isatty() else Lines()
    try:
        done = grade_all(
            settings, chosen.assignment, chosen.student, chosen.again, chosen.jobs, progress, chosen.scheduler
        )
    except (NoSandbox, NoWorkers) as error:
        sys.exit(str(error))
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
