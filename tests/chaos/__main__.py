"""`make chaos`: the whole campaign, or every n-th case of it (`make chaos EVERY=7`); its table comes at the end."""

import os
import sys
import tempfile
from pathlib import Path

from tests.chaos.campaign import Campaign


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    every, first = int(os.environ.get("EVERY") or 1), int(os.environ.get("FIRST") or 0)
    os.environ["PATH"] = ""  # no git: the repositories of the campaign have no commits
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        campaign = Campaign(Path(folder))
        cases = campaign.cases()[first::every]
        for number, case in enumerate(cases, 1):
            reason = campaign.try_case(*case)
            if reason:
                say(f"WRONG {case}: {reason[:300]}")
            if number % 100 == 0:
                say(f"{number} of {len(cases)} cases, {sum(map(len, campaign.wrong.values()))} wrong")
    say(campaign.table())
    say(f"{sum(campaign.run.values())} cases, {sum(map(len, campaign.wrong.values()))} with a wrong end")
    return 1 if any(campaign.wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
