"""The routes that make, read, change and find single rules."""

from collections.abc import Mapping
from typing import Final

from entra_deployer.core.json import Json, as_int, as_mapping, as_mappings
from entra_deployer.local.kibana import rules, things
from entra_deployer.local.kibana.auth import RULES_ALL
from entra_deployer.local.kibana.errors import core, detection, not_served, unauthorized
from entra_deployer.local.kibana.rule_schema import OWN, UUID, patch_body, rule_body
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Problem, checked, fields, number, one_of, text, told
from entra_deployer.local.kibana.server import Answer, Call, Kibana, text_of
from entra_deployer.local.kibana.store import RULES, Stored

NO_LIST: Final = "Unable to create exception-list-agnostic"  # what the real one would do first (record 11)
UNION: Final = 8  # types of rules that a PATCH body may belong to
KEYS: Final = fields({}, {"id": UUID, "rule_id": text()})
FIND: Final = fields(
    {},
    {
        "sort_field": text(),
        "sort_order": one_of("asc", "desc"),
        "page": number(least=1, coerce=True),
        "per_page": number(least=0, coerce=True),
        "filter": text(),
    },
)


def create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/detection_engine/rules."""
    call.must(RULES_ALL, detection(403, NO_LIST))
    return Answer(_create(kibana, call, rules.validated(rule_body(kibana.profile), call.body)))


def read(kibana: Kibana, call: Call) -> Answer:
    """GET /api/detection_engine/rules."""
    return Answer(rules.shown(_asked_for(kibana, call)))


def replace(kibana: Kibana, call: Call) -> Answer:
    """PUT /api/detection_engine/rules."""
    body = rules.validated(rule_body(kibana.profile), call.body)
    _raise_problems(_key_problems(body) + rules.pair_problems(body))
    old = existing(kibana, call, body)
    call.must(RULES_ALL, unauthorized("update"))
    new = rules.replaced(old.part("rule"), body, kibana.profile, call.user.name, kibana.clock())
    return Answer(checked_and_saved(kibana, call, new, over=old))


def patch(kibana: Kibana, call: Call) -> Answer:
    """PATCH /api/detection_engine/rules."""
    clean, problems = checked(patch_body(kibana.profile), call.body)
    if problems:
        raise core(400, f"[request body]: {told(_as_union(problems))}")
    body = as_mapping(clean)
    _raise_problems(_key_problems(body) + rules.pair_problems(body))
    old = existing(kibana, call, body)
    call.must(RULES_ALL, unauthorized("update"))
    new = rules.patched(old.part("rule"), {**body, **_own_part(call.body)}, call.user.name, kibana.clock())
    return Answer(checked_and_saved(kibana, call, new, over=old))


def delete(kibana: Kibana, call: Call) -> Answer:
    """DELETE /api/detection_engine/rules."""
    found = _asked_for(kibana, call)
    call.must(RULES_ALL, unauthorized("delete"))
    kibana.store.delete(RULES, found.id)
    return Answer(rules.shown(found))


def find(kibana: Kibana, call: Call) -> Answer:
    """GET /api/detection_engine/rules/_find."""
    query = rules.validated(FIND, flat(call.query), "query")
    if ("sort_field" in query) != ("sort_order" in query):
        raise detection(400, ['when "sort_order" and "sort_field" must exist together or not at all'])
    things.require_space(kibana, call.space)
    page, size = as_int(query.get("page", 1)), as_int(query.get("per_page", 20))
    check_window(page * size)
    if "fields" in call.query:  # whatever they name (records 431, 443-446)
        raise detection(500, "Cannot read properties of undefined (reading 'toISOString')")
    more: dict[str, Json] = {"from": (page - 1) * size, "size": size}
    sort = rules.SORTS.get(str(query.get("sort_field")))
    if "sort_field" in query and not sort:
        raise not_served(f"rules are sorted by {', '.join(rules.SORTS)}")
    more["sort"] = [{sort: query["sort_order"]}] if sort else [{"_seq_no": "asc"}]
    found, total = rules.find(kibana, call.space, text_of(query, "filter"), **more)
    return Answer({"page": page, "perPage": size, "total": total, "data": [rules.shown(one) for one in found]})


def _as_union(problems: list[Problem]) -> list[Problem]:
    """The problems as a union of several schemas tells them: those of a wrong type once for each member."""
    fatal = [problem for problem in problems if problem.fatal]
    return fatal * UNION if fatal else problems


def _own_part(body: Json) -> Rule:
    """What a PATCH body says of the fields that belong to the type; raises the 400 of another type's."""
    problems: list[Problem] = []
    own = fields({}, OWN)(body, "", problems)
    if problems:
        raise detection(400, ", ".join(map(str, problems)))
    return as_mapping(own)


def checked_and_saved(kibana: Kibana, call: Call, rule: Rule, *, over: Stored | None = None) -> Rule:
    """Save a rule after the checks that need the rule as a whole."""
    rules.check_whole(rule)
    for missing in things.missing_connectors(kibana, call.space, as_mappings(rule["actions"])):
        raise detection(400, f"Failed to load action {missing} (404): Saved object [action/{missing}] not found")
    return rules.save(kibana, call.space, rule, over=over)


def existing(kibana: Kibana, call: Call, key: Rule) -> Stored:
    """The rule that a body or query string names by `id` or `rule_id`; raises the 404."""
    things.require_space(kibana, call.space)
    found = rules.read(kibana, call.space, text_of(key, "rule_id"), text_of(key, "id"))
    if not found:
        name = "id" if "id" in key else "rule_id"
        raise detection(404, f'{name}: "{key[name]}" not found')
    return found


def check_window(size: int) -> None:
    """Refuse a page that ends beyond the 10,000th rule, in Elasticsearch's words."""
    if size > rules.MOST:
        limit = f"from + size must be less than or equal to: [{rules.MOST}] but was [{size}]"
        raise detection(
            400,
            "all shards failed: search_phase_execution_exception\n\tCaused by:\n\t\tillegal_argument_exception: "
            f"Result window is too large, {limit}. See the scroll api for a more efficient way to request large data "
            "sets. This limit can be set by changing the [index.max_result_window] index level setting.",
        )


def flat(query: Mapping[str, list[str]]) -> Json:
    """A query string as an object: one value, or the list of several."""
    return {name: values[0] if len(values) == 1 else values for name, values in query.items()}


def _create(kibana: Kibana, call: Call, body: Rule) -> Rule:
    _raise_problems(rules.pair_problems(body))
    things.require_space(kibana, call.space)
    rule_id = text_of(body, "rule_id")
    if rule_id is not None and rules.read(kibana, call.space, rule_id, None):
        raise detection(409, f'rule_id: "{rule_id}" already exists')
    return checked_and_saved(kibana, call, rules.made(body, kibana.profile, call.user.name, kibana.clock()))


def _asked_for(kibana: Kibana, call: Call) -> Stored:
    key = rules.validated(KEYS, flat(call.query), "query")
    _raise_problems(_key_problems(key))
    return existing(kibana, call, key)


def _key_problems(key: Rule) -> list[str]:
    if "id" in key and "rule_id" in key:
        return ['both "id" and "rule_id" cannot exist, choose one or the other']
    if "id" not in key and "rule_id" not in key:
        return ['either "id" or "rule_id" must be set']
    return []


def _raise_problems(problems: list[str]) -> None:
    if problems:
        raise detection(400, problems)
