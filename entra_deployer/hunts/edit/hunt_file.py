"""A hunt as a new file."""

from entra_deployer.hunts.edit.hunt_text import on_lines
from entra_deployer.hunts.hunt import Hunt


def write_hunt(hunt: Hunt) -> str:
    """The hunt as TOML, which its reader reads as an equal one."""
    import tomlkit  # noqa: PLC0415 - only a new hunt needs it

    table = tomlkit.table()
    for key, text in (("name", hunt.name), ("author", hunt.author), ("description", hunt.description)):
        if text:
            table.add(key, tomlkit.string(text, multiline="\n" in text))
    lists = {"integration": hunt.integrations, "language": hunt.languages, "mitre": hunt.mitre}
    table.add("uuid", hunt.uuid)
    for key, values in {**lists, "notes": hunt.notes, "references": hunt.references}.items():
        if values:
            table.add(key, tomlkit.item(list(values)))
    if hunt.license:
        table.add("license", hunt.license)
    queries = tomlkit.array()
    queries.multiline(multiline=True)
    for query in hunt.queries:
        queries.append(on_lines(f"{query.text}\n", literal=True, opened=True))
    table.add("query", queries)
    document = tomlkit.document()
    document.add("hunt", table)
    return tomlkit.dumps(document)
