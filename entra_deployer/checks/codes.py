"""Every code that an issue may bear: those of the checks, and those of reading, compiling, pushing and verifying."""

from dataclasses import dataclass

from entra_deployer.checked import Explanation
from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Example
from entra_deployer.core.errors import UsageError
from entra_deployer.core.text import did_you_mean


@dataclass(frozen=True)
class Code:
    """What a code that is no check's is about in a line, and what to know of it."""

    title: str
    explanation: str


OTHER_CODES: dict[str, Code] = {
    "DEP000": Code("the run could not go on", "Something stopped the run; the message says what."),
    "DEP001": Code(
        "a file cannot be read",
        "A file is missing, is not UTF-8, or is not the Markdown, TOML or YAML that is expected there. All broken "
        "files are named in one run.",
    ),
    "DEP002": Code(
        "a file says something that it may not",
        "An unknown key, a wrong type or a value out of range. The schemas in entra_deployer/data/schemas are where "
        "the keys are written down; an editor can read them too.",
    ),
    "DEP003": Code(
        "two hunts or two rules with one identity",
        "The ids of rules are made from the hunt's UUID: two hunts with one UUID would overwrite each other's rules. "
        "Two rules with one name could not be told apart.",
    ),
    "DEP004": Code("a hunt without ES|QL", "Only ES|QL queries become rules: this hunt has none to compile."),
    "DEP005": Code(
        "a query in another language",
        "The hunt holds queries in several languages; this one is not ES|QL and becomes no rule. The others do.",
    ),
    "DEP006": Code(
        "queries without names",
        "A hunt with several queries has a rule for each. Without names in rule.yaml the ids of these rules are made "
        "from what each query reads, and from its text where two read the same: they survive a reordering, but not "
        "every edit. Name the queries once, under `queries:`.",
    ),
    "DEP007": Code(
        "a rule that is not for this environment",
        "`stack` in rule.yaml says which versions can run it, and this one is not among them. It is not compiled, and "
        "what stands of it in the environment is left as it is: never changed, never pruned, never a drift.",
    ),
    "DEP009": Code(
        "a hunt that could not be analysed",
        "Something in this hunt is more than the tool, or the parser that it uses, can cope with. The hunt is left "
        "out, or a check of it was not made, as the message says; all other hunts go on. Please report it.",
    ),
    "DEP010": Code(
        "syntax that Elasticsearch refuses",
        "Elastic's own offline parser, with the grammar of the target's version, refuses the query at this place, as "
        "the server would.",
    ),
    "DEP026": Code(
        "a silence without effect",
        "`silence` in rule.yaml names a check that does not exist, that cannot be silenced, or that has nothing to "
        "say. Take it out, so that it hides nothing later.",
    ),
    "DEP300": Code(
        "an object that is not ours",
        "Something with our id stands there already and bears no mark of ours. `--adopt` takes it over.",
    ),
    "DEP301": Code(
        "a name that is taken", "A rule of somebody else's has the same name: two such cannot be told apart."
    ),
    "DEP302": Code(
        "several objects of one id",
        "Two creations at once made them. Equal ones are settled by a push, which keeps the oldest; of others a person "
        "has to delete all but one in Kibana.",
    ),
    "DEP310": Code("a rule that left the repository", "It still stands in Kibana. `--prune` removes it."),
    "DEP311": Code("a prune over its limit", "More would be removed than limits.prune_* of the environment allows."),
    "DEP312": Code(
        "a rule that gets another id", "It is deleted and made anew. `rule_id` in rule.yaml keeps the old one."
    ),
    "DEP313": Code(
        "an edit made in Kibana",
        "Somebody changed what the last push left, and a push would undo it: `deploy pull` takes the edit into the "
        "repository, `--overwrite` sets it back, and the ledger keeps what was overwritten.",
    ),
    "DEP314": Code(
        "a deletion that has to wait",
        "A hunt cannot be read, so that not even the ids of its rules are known: what seems left over may be its own.",
    ),
    "DEP315": Code(
        "something of our mark that nobody can vouch for",
        "It bears our mark, but neither the ledger nor the object itself shows that a push left it as it is: it stays.",
    ),
    "DEP316": Code("an older checkout", "A later commit was pushed there already: this push would go back behind it."),
    "DEP317": Code(
        "rules that run as somebody else",
        "Kibana runs a rule with an API key of whoever wrote it last. When that key or user is gone, the rule stops.",
    ),
    "DEP318": Code(
        "a retired rule",
        "Its rule.yaml says `retired: true`: a push switches it off, and a prune deletes it once the environment's "
        "`retire_after` is over.",
    ),
    "DEP320": Code("the ledger cannot be used", "Without it nothing is known of the last push, and none is recorded."),
    "DEP321": Code("an interrupted push", "An earlier push did not come to its end. `deploy recover` finishes it."),
    "DEP322": Code(
        "an edit that a recovery left",
        "After the push that was cut off somebody changed the same field in Kibana: it stays as it is.",
    ),
    "DEP330": Code(
        "a source without data", "No index matches what the query reads: until one does the rule finds nothing."
    ),
    "DEP331": Code(
        "a query that Elasticsearch refuses",
        "Asked before any write: the server builds the query on each shard and reads nothing. What it refuses, or can "
        "answer in part only, is not pushed.",
    ),
    "DEP332": Code("a query that was not executed", "The embedded Elasticsearch cannot run it; the target's own may."),
    "DEP333": Code(
        "a field of another type",
        "A field that a rule reads has another type in the environment than at the rule's last push, or than ECS or "
        "the integration documents where there was no such field then. A query that Elasticsearch takes all the same "
        "may mean something else now. `deploy push --accept-types` takes the types as they are.",
    ),
    "DEP334": Code(
        "a field that some indices lack",
        "In the indices that do not map a field it is null for every event, and a condition on a null drops the event "
        "without a word. Old indices of a data stream are often so after an update of their integration.",
    ),
    "DEP335": Code(
        "a field that the source lacks",
        "No index of the source maps the field. Elasticsearch refuses a query with an unknown column, so that the rule "
        "fails in every run.",
    ),
    "DEP336": Code("a source that cannot be looked at", "Whether it has the fields that its rules need is not known."),
    "DEP340": Code("a connector or a list that is missing", "rule.yaml names one that this environment does not have."),
    "DEP350": Code("no record of a push", "Drift is told from what was pushed last, and nothing was."),
    "DEP351": Code("the ledger cannot be read", "Who changed what, and when, is told without it as far as possible."),
    "DEP352": Code(
        "alerts that cannot be read", "Which rules fired is not known: the key needs `read` on the alerts of the space."
    ),
    "DEP360": Code(
        "a removal that will not last", "The hunt is still in the repository: the next push brings it back."
    ),
    "DEP370": Code(
        "changed on both sides", "Kibana and the repository changed the same field: a person has to choose."
    ),
    "DEP371": Code(
        "an edit that a file cannot hold", "What was changed in Kibana has no place in a hunt or a rule.yaml."
    ),
    "DEP372": Code(
        "something to do after a pull or an import",
        "The files say what the rule said, but for what is named here.",
    ),
    "DEP373": Code(
        "a change that was not pulled, or a rule that was not imported",
        "A change stays in Kibana alone, and the next push would undo it. A rule stays where it was.",
    ),
    "DEP374": Code(
        "what an export does not carry",
        "The other tool has no word for a field of the rule, or has another meaning: the rest is written.",
    ),
    "DEP375": Code(
        "a rollback that will not last", "The repository says something else: the next push brings that back."
    ),
    "DEP380": Code("a verdict that is kept here alone", "The key may not write the ledger: no promotion will know it."),
    "DEP381": Code(
        "the source of a promotion has something else",
        "A promotion takes what the environment has and proved: this checkout says something else, or somebody changed "
        "it in Kibana. `deploy drift` tells what; take the commit that was pushed, or push and verify this one.",
    ),
    "DEP382": Code(
        "a drift in the target of a promotion",
        "Somebody changed it in Kibana: a promotion would undo that. `deploy pull` keeps it, a push takes it back.",
    ),
    "DEP383": Code("a rule that nobody verified", "A promotion asks for a verdict of each rule: `deploy verify --on`."),
    "DEP384": Code("a verdict that did not pass", "What failed where it came from is not promoted."),
    "DEP385": Code(
        "a verdict for something else, or an old one",
        "A verdict counts for the very content that it was reached on: the hunt, its rule.yaml, its tests and the rule "
        "as it stood in Kibana. `gates.verdict_age` says how old it may be.",
    ),
    "DEP386": Code("tests that tell too few mutants", "`deploy verify --mutate` tells which changes nobody noticed."),
    "DEP387": Code("a rule that has not soaked", "It has to stand and run where it comes from as long as gates.soak."),
    "DEP388": Code("approvals that are missing", "People approve of an exact content, in the gates' own file."),
    "DEP389": Code("an attestation that nobody signs", "`signing_key` names the key; gates.signed asks for it."),
    "DEP390": Code("a verdict for another version", "The promotion itself will verify the rule on its target first."),
    "DEP391": Code(
        "an attestation that was not kept",
        "Where the rules are there, the same promotion, run again, completes it. With gates.signed nothing is promoted "
        "unless the attestation can be kept in the target's own ledger.",
    ),
    "DEP392": Code(
        "a verdict that no trusted key has signed",
        "The target's `trusted_keys` name who may vouch for verdicts; without them what the ledger and the file of "
        "approvals hold is taken on trust.",
    ),
    "DEP801": Code("a condition that was null", "On these events a condition was neither true nor false: see DEP014."),
    "DEP802": Code("a part of the result only", "Some shards failed, so that the verdict would mean nothing."),
    "DEP803": Code("close to a limit", "The rows of the result nearly fill what a run can write: see DEP016."),
    "DEP804": Code("a warning of Kibana's", "The rule's preview ran, and Kibana warned about it."),
    "DEP805": Code("a column that the alerts lack", "The query returns it and Kibana dropped it: see DEP021."),
    "DEP806": Code("repeated alerts", "Two runs over the same events alerted twice: see DEP024."),
    "DEP807": Code("events lost on live data", "On the environment's own data a condition is null for many events."),
    "DEP808": Code("a share that could not be counted", "How many of the live events are lost is not known."),
    "DEP809": Code("too few mutants found", "The tests notice fewer faults in the query than rule.yaml asks for."),
    "DEP810": Code("an incomplete test", "The tests of a rule do not hold all that they should."),
    "DEP811": Code("a test of an unknown query", "The test names a query that its hunt does not have."),
    "DEP812": Code(
        "the hunt and the rule find different entities",
        "Over the same events, at the same moment, the hunt's own query and the rule find others. It is a note where "
        "rule.yaml or the compiler says that the two look at different times.",
    ),
    "DEP813": Code(
        "a rule that is not the repository's",
        "Somebody edited it in Kibana, or the repository was changed and not pushed: a verdict would be about another "
        "rule. `deploy verify --as-deployed` tries what stands there.",
    ),
    "DEP814": Code("brought up to date", "`verify` pushes to a local stack first what the repository has changed."),
    "DEP815": Code(
        "sources that the test narrows",
        "A rule may read every index, or other clusters; its test shows it the events of one data stream.",
    ),
    "DEP816": Code("events that the rule never reads", "The test's `index` is none that the query's FROM names."),
}


def title(code: str) -> str:
    """What a code is about, in a line; "" for one that is not known here."""
    if code in CHECKS:
        return CHECKS[code].title
    return OTHER_CODES[code].title if code in OTHER_CODES else ""


def known_codes() -> list[str]:
    """All codes, sorted."""
    return sorted({*CHECKS, *OTHER_CODES})


def find_explanation(code: str) -> Explanation:
    """What the code means; UsageError for one that there is not."""
    code = code.upper()
    if check := CHECKS.get(code):
        return Explanation(
            code=code,
            title=check.title,
            text=check.explanation,
            level=check.level.value,
            good=_example(check.good),
            bad=_example(check.bad),
            silenceable=check.silenceable,
        )
    if other := OTHER_CODES.get(code):
        return Explanation(code, other.title, other.explanation)
    raise UsageError(f"there is no code {code}", hint=did_you_mean(code, known_codes()))


def list_explanations() -> list[Explanation]:
    """All codes, sorted."""
    return [find_explanation(code) for code in known_codes()]


def _example(example: Example) -> str:
    around = [f"# rule.yaml: {line}" for line in example.rule_yaml.splitlines()]
    around += [f"# techniques: {', '.join(example.mitre)}"] if example.mitre != Example("").mitre else []
    around += [f"# for {example.version}, {example.license}"]
    return "\n".join([*around, example.query])
