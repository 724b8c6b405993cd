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
    every = int(os.environ.get("EVERY") or 1)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        campaign = Campaign(Path(folder))
        cases = campaign.cases()[::every]
        for number, case in enumerate(cases, 1):
            before = sum(map(len, campaign.wrong.values()))
            campaign.try_case(*case)
            if sum(map(len, campaign.wrong.values())) > before:
                say(f"WRONG {case}: {campaign.wrong[case[0], case[1]][-1][1][:300]}")
            if number % 100 == 0:
                wrong = sum(map(len, campaign.wrong.values()))
                say(f"{number} of {len(cases)} cases, {wrong} wrong")
    say(campaign.table())
    say(f"{sum(campaign.run.values())} cases, {sum(map(len, campaign.wrong.values()))} with a wrong end")
    return 1 if any(campaign.wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
