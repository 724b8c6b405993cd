"""Projects of many hunts, none of them alike, for measurements."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

_NAMESPACE = UUID("6d9f1f7e-5b0f-4a57-8f6d-7f6a3c1d2b10")

_ROWS = """\
FROM logs-azure.signinlogs-*
| WHERE @timestamp >= NOW() - 2 hours
| WHERE event.outcome == "failure"
    // a number of the hunt's own
    AND azure.signinlogs.properties.status.error_code == {number}
    AND azure.signinlogs.properties.user_type == "Member"
| KEEP @timestamp, azure.signinlogs.properties.user_principal_name, source.ip, event.outcome
"""
_GROUPS = """\
FROM logs-azure.signinlogs-*
| WHERE @timestamp >= NOW() - 14 days
| WHERE azure.signinlogs.properties.status.error_code == {number} AND source.as.organization.name IS NOT NULL
| STATS failures = COUNT(*), networks = COUNT_DISTINCT(source.as.organization.name)
    BY azure.signinlogs.properties.user_principal_name
| WHERE failures > {threshold} AND networks >= 2
"""
_HUNT = """\
# {name}

---

## Metadata

- **Author:** Bench
- **Description:** Sign-ins of members of the tenant that fail with the code {number}. They are listed with \
the user and the address, so that somebody can ask what was tried, and by whom.

- **UUID:** `{uuid}`
- **Integration:** [azure](https://docs.elastic.co/integrations/azure)
- **Language:** `[ES|QL]`

## Query

```sql
{query}```

## Notes

- Ask the user whether they tried to sign in, and from where.
- Pivot on `azure.signinlogs.properties.user_principal_name` to other sign-ins of the same day.

## MITRE ATT&CK Techniques

- [T1078.004](https://attack.mitre.org/techniques/T1078/004)

## References

- https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes

## License

- `Apache-2.0`
"""
_SETTINGS = """\
severity: medium
risk_score: 47
interval: 1h
false_positives:
  - A user who mistypes a password for the first time.
"""
_TEST = """\
name: A sign-in that works {number}
index: logs-azure.signinlogs-bench
events:
  - name: Alice signs in
    at: 30m ago
    set: {{azure.signinlogs.properties.user_principal_name: alice, event.outcome: success}}
ignores:
  - entity: {{azure.signinlogs.properties.user_principal_name: alice}}
    reason: it is no failure
"""


@dataclass(frozen=True)
class Bench:
    """Where a project's environment `bench` is, and as whom; the password is in the variable BENCH_PASSWORD."""

    kibana: str
    elasticsearch: str
    space: str
    user: str = "elastic"


def make_project(root: Path, rules: int, bench: Bench) -> None:
    """A project of so many hunts, half of which list rows and half count, with an environment `bench`."""
    (root / "deploy").mkdir(parents=True, exist_ok=True)
    (root / "rules").mkdir(exist_ok=True)
    (root / "deploy" / "bench.yaml").write_text(
        f"kibana: {{url: '{bench.kibana}'}}\nelasticsearch: {{url: '{bench.elasticsearch}'}}\n"
        f"auth: {{basic: {{user: {bench.user}, password: {{variable: BENCH_PASSWORD}}}}}}\nspaces: [{bench.space}]\n",
        "utf-8",
    )
    for number in range(rules):
        add_hunt(root, number)


def add_hunt(root: Path, number: int, threshold: int = 3) -> None:
    """Write one hunt, or write it anew with another threshold, which changes its rule."""
    folder = root / "rules" / f"bench_{number:05d}"
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    name = f"Bench Sign-In Failure {number:05d}"
    query = (_GROUPS if number % 2 else _ROWS).format(number=50_000 + number, threshold=threshold)
    text = _HUNT.format(name=name, number=50_000 + number, uuid=uuid5(_NAMESPACE, str(number)), query=query)
    (folder / "hunt.md").write_text(text, "utf-8")
    (folder / "rule.yaml").write_text(_SETTINGS.replace("47", str(44 + threshold)), "utf-8")
    (folder / "tests" / "failures.yaml").write_text(_TEST.format(number=number), "utf-8")
