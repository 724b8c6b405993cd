"""What the analyst reads: the guide, the tags, ATT&CK, the integrations and the fields that the rule needs."""

import re
from collections.abc import Iterable, Mapping, Sequence

from entra_deployer.compiler.entities import rank
from entra_deployer.core.json import Json
from entra_deployer.data.attack import Attack, Tactic, Technique
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql.columns import last_stats, output_columns, read_fields, sources
from entra_deployer.esql.tree import Tree
from entra_deployer.hunts.hunt import Hunt, Query

FRAMEWORK = "MITRE ATT&CK"

_STREAM = re.compile(r"(?:^|:)\.?(?:ds-)?logs-([a-z0-9_]+)\.")
_MOST_INVESTIGATED = 12
"""As many as fit into the head of an alert without scrolling."""
_SAID_ALREADY = ("@timestamp", "event.ingested", "event.kind", "event.dataset", "event.module", "data_stream.dataset")

_DOMAINS = {
    "azure": ("Cloud", "Identity"),
    "entityanalytics_entra_id": ("Identity",),
    "okta": ("Identity",),
    "aws": ("Cloud",),
    "gcp": ("Cloud",),
    "google_workspace": ("Cloud",),
    "o365": ("Cloud",),
    "github": ("Cloud",),
    "aws_bedrock": ("LLM",),
    "azure_openai": ("LLM",),
    "endpoint": ("Endpoint",),
    "system": ("Endpoint",),
    "windows": ("Endpoint",),
    "auditd_manager": ("Endpoint",),
    "crowdstrike": ("Endpoint",),
    "m365_defender": ("Endpoint",),
    "microsoft_defender_endpoint": ("Endpoint",),
    "sentinel_one": ("Endpoint",),
    "sentinel_one_cloud_funnel": ("Endpoint",),
    "cloud_defend": ("Container",),
    "kubernetes": ("Container",),
    "panw": ("Network",),
    "fortinet_fortigate": ("Network",),
    "zscaler_zia": ("Network",),
    "network_traffic": ("Network",),
}
_SOURCES = {
    "azure": "Azure",
    "okta": "Okta",
    "aws": "AWS",
    "gcp": "GCP",
    "google_workspace": "Google Workspace",
    "o365": "Microsoft 365",
    "github": "GitHub",
    "aws_bedrock": "Amazon Bedrock",
    "azure_openai": "Azure OpenAI",
    "endpoint": "Elastic Defend",
    "system": "System",
    "windows": "Windows",
    "network_traffic": "Network Packet Capture",
    "auditd_manager": "Auditd Manager",
    "entityanalytics_entra_id": "Microsoft Entra ID",
    "crowdstrike": "CrowdStrike",
    "m365_defender": "Microsoft Defender XDR",
    "microsoft_defender_endpoint": "Microsoft Defender for Endpoint",
    "sentinel_one": "SentinelOne",
    "sentinel_one_cloud_funnel": "SentinelOne",
    "cloud_defend": "Elastic Defend for Containers",
    "kubernetes": "Kubernetes",
    "panw": "PAN-OS",
    "fortinet_fortigate": "Fortinet",
    "zscaler_zia": "Zscaler",
    "cloudflare_logpush": "Cloudflare",
}
_DATASETS = {
    "azure.signinlogs": "Microsoft Entra ID Sign-in Logs",
    "azure.auditlogs": "Microsoft Entra ID Audit Logs",
    "azure.activitylogs": "Azure Activity Logs",
    "azure.platformlogs": "Azure Platform Logs",
    "azure.graphactivitylogs": "Microsoft Graph Activity Logs",
    "aws.cloudtrail": "AWS CloudTrail",
    "o365.audit": "Microsoft 365 Audit Logs",
}


def packages_of(hunt: Hunt, tree: Tree) -> list[tuple[str, str]]:
    """The integration packages of a hunt, each with the part of it that the hunt names ("").

    First those that the hunt names, then those whose data streams its FROM names.
    """
    named = [(package, part) for package, _, part in (name.partition(".") for name in hunt.integrations)]
    known = {package for package, _ in named}
    read = (match[1] for source in sources(tree) if (match := _STREAM.search(source)))
    return named + [(package, "") for package in dict.fromkeys(read) if package not in known]


def tags(hunt: Hunt, tree: Tree, tactics: Sequence[Tactic], extra: Sequence[str], owner: str) -> list[str]:
    """The rule's tags in Elastic's convention, sorted by kind: Domain, Data Source, Use Case, Tactic, then others."""
    packages = [package for package, _ in packages_of(hunt, tree)]
    domains = {domain for package in packages for domain in _DOMAINS.get(package, ())}
    found = [f"Domain: {domain}" for domain in sorted(domains)]
    found += [f"Data Source: {source}" for source in sorted(_data_sources(packages, tree))]
    found.append("Use Case: Threat Detection")
    if "Identity" in domains:
        found.append("Use Case: Identity and Access Audit")
    found += [f"Tactic: {tactic.name}" for tactic in tactics]
    found += [*extra, owner]
    return list(dict.fromkeys(found))


def _data_sources(packages: Sequence[str], tree: Tree) -> set[str]:
    known = {_SOURCES[package] for package in packages if package in _SOURCES}
    patterns = " ".join(sources(tree))
    return known | {name for dataset, name in _DATASETS.items() if f"logs-{dataset}" in patterns}


def related_integrations(hunt: Hunt, tree: Tree, knowledge: Knowledge) -> list[Json]:
    """The packages of a hunt, with the range of versions that is known to bring its fields.

    Kibana calls a policy template of a package an integration, where the package has several. Which of them it is the
    hunt says, or the data streams that the query reads.
    """
    found: list[Json] = []
    for package, named in packages_of(hunt, tree):
        if package in knowledge.packages:
            entry = {"package": package, "version": knowledge.packages[package]}
            parts = _templates(package, named, tree, knowledge.templates.get(package, {}))
            found += [{**entry, "integration": part} for part in parts] or [entry]
    return found


def _templates(package: str, named: str, tree: Tree, templates: Mapping[str, str]) -> list[str]:
    """The policy templates that are meant; [] where the package has but one, or nothing tells."""
    if not templates:
        return []
    if named:
        return [templates.get(named, named)]
    return list(dict.fromkeys(templates[stream] for stream in _streams(package, tree) if stream in templates))


def _streams(package: str, tree: Tree) -> list[str]:
    """The data streams of a package among the query's sources: `signinlogs` for `logs-azure.signinlogs-*`."""
    pattern = re.compile(rf"(?:^|:)logs-{re.escape(package)}\.(\w+)")
    return [match[1] for source in sources(tree) if (match := pattern.search(source))]


def required_fields(tree: Tree, knowledge: Knowledge) -> list[Json]:
    """The source's fields that the query reads, with their types as far as they are known."""
    patterns = sources(tree)
    return [{"name": name, "type": knowledge.type_of(name, patterns) or "unknown"} for name in read_fields(tree)]


def investigation_fields(tree: Tree, keys: Sequence[str], time_keys: Sequence[str]) -> list[str]:
    """The fields of an alert that an analyst looks at first: who and where, then what the query asked for."""
    out = output_columns(tree)
    if last_stats(tree) is not None:
        found = [*keys, *(name for name in out if name not in keys)]
    else:
        asked = [name for name in read_fields(tree) if name not in _SAID_ALREADY and not name.startswith("_")]
        found = sorted(asked, key=lambda name: (rank(name), name))
    return [name for name in dict.fromkeys(found) if name not in time_keys][:_MOST_INVESTIGATED]


def guide(hunt: Hunt, query: Query, others: Sequence[Query]) -> str:
    """The investigation guide: the notes as steps, the hunt's own query to run in Discover, and its other queries."""
    parts = ["## Triage and analysis"]
    if hunt.notes:
        parts.append("### Investigation steps\n\n" + "\n".join(_item(note) for note in hunt.notes))
    parts.append(
        "### The hunt's own query\n\nRun it in Discover to see more than the alert shows.\n\n" + _fenced(query.text)
    )
    if others:
        listed = "\n\n".join(_fenced(other.text) for other in others)
        parts.append("### Pivots\n\nThe hunt's other queries.\n\n" + listed)
    pivots = _pivots(hunt.notes)
    if pivots:
        parts.append("### Fields to pivot on\n\n" + "\n".join(f"- `{field}`" for field in pivots))
    return "\n\n".join(parts) + "\n"


def _item(note: str) -> str:
    return "- " + note.replace("\n", "\n  ")


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}sql\n{text}\n{fence}"


def _pivots(notes: Sequence[str]) -> list[str]:
    """The fields that the notes name in backquotes, in their order."""
    found = [name for note in notes for name in re.findall(r"`([a-z@_][\w@]*(?:\.[\w@]+)+)`", note)]
    return list(dict.fromkeys(found))


def tactics_of(attack: Attack, ids: Iterable[str], keep: Sequence[str] = ()) -> list[Tactic]:
    """The tactics of all techniques in the matrix's order, or those of them that `keep` names."""
    kept = {tactic.slug for word in keep if (tactic := attack.find_tactic(word))}
    slugs = {slug for one in ids if (technique := attack.resolve(one)) for slug in technique.tactics}
    return [tactic for slug, tactic in attack.tactics.items() if slug in slugs and (not kept or slug in kept)]


def threat(attack: Attack, ids: Sequence[str], keep: Sequence[str] = ()) -> list[Json]:
    """Kibana's `threat`: one entry a tactic, in it the techniques by id, in those the subtechniques by id."""
    techniques = {found.id: found for one in ids if (found := attack.resolve(one))}
    return [_entry(attack, tactic, techniques.values()) for tactic in tactics_of(attack, techniques, keep)]


def _entry(attack: Attack, tactic: Tactic, techniques: Iterable[Technique]) -> Json:
    serving = [technique for technique in techniques if tactic.slug in technique.tactics]
    parents: dict[str, list[Technique]] = {}
    for technique in serving:
        below = parents.setdefault(technique.id.partition(".")[0], [])
        if "." in technique.id:
            below.append(technique)
    return {
        "framework": FRAMEWORK,
        "tactic": {"id": tactic.id, "name": tactic.name, "reference": tactic.url},
        "technique": [
            {**_reference(attack.techniques[parent]), **_below(parents[parent])} for parent in sorted(parents)
        ],
    }


def _below(subtechniques: list[Technique]) -> dict[str, Json]:
    if not subtechniques:
        return {}
    return {"subtechnique": [_reference(one) for one in sorted(subtechniques, key=lambda one: one.id)]}


def _reference(technique: Technique) -> dict[str, Json]:
    return {"id": technique.id, "name": technique.name, "reference": _with_slash(technique.url)}


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
