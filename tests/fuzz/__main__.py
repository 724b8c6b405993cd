"""`make fuzz`: many inputs over every reader; a table at the end, exit 1 where anything was a fault of ours."""

import sys

from tests.fuzz.run import SLOW, peak_memory, run_all

MEMORY = 300
"""How many MB may be in use at most."""


def main(inputs: int, number: int) -> int:
    outcomes = run_all(inputs, number)
    total = sum(outcome.inputs for outcome in outcomes.values())
    lines = [f"{'target':30} {'inputs':>8} {'refused':>8} {'exit 70':>8} {'over 2 s':>8} {'slowest':>8}"]
    for name, one in outcomes.items():
        faults = sum(one.faults.values())
        lines.append(
            f"{name:30} {one.inputs:>8} {one.refused:>8} {faults:>8} {one.slow:>8} {one.slowest * 1000:>5.0f} ms"
        )
    lines.append(f"{total} inputs, seed {number}; at most {peak_memory()} MB (limit {MEMORY}); limit {SLOW:g} s each")
    for name, one in outcomes.items():
        for fault, count in one.faults.most_common():
            lines.append(f"{name}: {count} x {fault}\n  {one.samples[fault]!r:.600}")
        if one.slow:
            lines.append(f"{name}: slow {one.slowest:.1f} s\n  {one.slowest_input!r:.600}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(one.good for one in outcomes.values()) and peak_memory() < MEMORY else 1


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    sys.exit(main(arguments[0] if arguments else 100_000, arguments[1] if arguments[1:] else 1))
