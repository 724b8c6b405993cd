"""Synth: a test made from a rule's own query. Offline; what it made is for `deploy verify` to try."""

import re
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, InputError, Location
from entra_deployer.core.files import read_text, say_size, schema_line, write_text
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json
from entra_deployer.core.workers import side_by_side
from entra_deployer.data import load_knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import output_columns, sources
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.rule_query import read_query
from entra_deployer.esql.tree import Tree, Where
from entra_deployer.esql.types import inferred_types, types_alike
from entra_deployer.hunts.detection_test import MAX_TEST, detection_test_as_yaml, parse_detection_test
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.repository import OFFLINE, Compilation, Repository
from entra_deployer.stack.mapping import known_types
from entra_deployer.verify.generate.cases import Case, Maker, Unsolvable
from entra_deployer.verify.generate.clock import run_at, run_moment
from entra_deployer.verify.generate.constraints import Unsolved
from entra_deployer.verify.generate.documents import Fields, TimeRange
from entra_deployer.verify.generate.lookups import Join, read_joins
from entra_deployer.verify.generate.plan import read_plan
from entra_deployer.verify.generate.tests import Made, Synthesis, UnsolvedCase
from entra_deployer.verify.obstacles import reads
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.repeats import looked_at
from entra_deployer.verify.seeding import Run, Server, moment_of
from entra_deployer.verify.try_cases import CaseTrial

COMMENT = """\
Made from the query by `deploy synth`: a case for each way to satisfy it, and a near miss for each condition.
It is yours now: give the events the fields that real ones have.
"""

_HEAD = 1024
"""Bytes that the comments at the head of a file take at most."""

NO_INDEX = "the query reads from no index"


type Step = Callable[[int, int], None]
"""Is told how many rules are done, and of how many."""


def _untold(_done: int, _total: int) -> None:
    """Nobody asked how far it is."""


def synthesise(
    repository: Repository, selection: Selection = ALL, step: Step = _untold
) -> Generator[Synthesis, None, None]:
    """A synthesis of each rule as it is made, and an empty one of each hunt or query that does not compile.

    Who leaves it before its end has to close it: the next ones are being made. Raises UsageError for a name, a tag or
    a commit that there is not, InputError where nothing compiles.
    """
    compilation = repository.compile(OFFLINE, selection)
    if not compilation.rules:
        raise _nothing_to_solve(compilation)
    made: Iterable[Synthesis]
    if len(compilation.rules) < MANY:
        made = (synthesis_of(compilation, rule) for rule in compilation.rules)
    else:
        made = side_by_side(partial(_synthesis_at, str(repository.root), selection), range(len(compilation.rules)))
    step(0, len(compilation.rules))
    for done, one in enumerate(made, 1):
        yield one
        step(done, len(compilation.rules))
    yield from _not_compiled(compilation)


MANY = 6
"""So many rules take longer than it takes to start a worker: each some 0.3 s."""


def _synthesis_at(root: str, selection: Selection, position: int) -> Synthesis:
    """The synthesis of the rule at a position of what is selected: the work of a worker."""
    compilation = _compiled(root, selection)
    return synthesis_of(compilation, compilation.rules[position])


@cache
def _compiled(root: str, selection: Selection) -> Compilation:
    return Repository(Path(root)).compile(OFFLINE, selection)


def synthesis_of(compilation: Compilation, rule: CompiledRule) -> Synthesis:
    """The synthesis of one rule. What its query provokes, a fault of ours included, is told in it."""
    began = time.process_time()
    try:
        made = _of_rule(compilation, rule)
        return replace(made, seconds=time.process_time() - began)
    except Exception as error:
        why = f"could not be analysed: {type(error).__name__}: {error}"
        return Synthesis(rule.rule.key, rule.rule.name, (), (UnsolvedCase("all of it", why),))


def _not_compiled(compilation: Compilation) -> Iterator[Synthesis]:
    for issue in compilation.issues:
        if issue.level is Level.ERROR and issue not in compilation.findings:
            place = f"{issue.location}: " if issue.location else ""
            yield Synthesis("", issue.subject, (), (UnsolvedCase("all of it", f"{place}{issue.message}"),))


def _nothing_to_solve(compilation: Compilation) -> InputError:
    """Why there is no rule: an error, or a hunt without ES|QL, which is none."""
    weights = list(Level)
    issues = sorted(compilation.issues, key=lambda issue: weights.index(issue.level))
    if not issues:
        return InputError("there is no rule to make a test for", hint="make a folder rules/<hunt>/ with a hunt.md")
    return InputError(issues[0].message, location=issues[0].location, hint=issues[0].hint)


def _of_rule(compilation: Compilation, rule: CompiledRule) -> Synthesis:
    payload = rule.rule.payload
    key = rule.own_key
    tree = syntax_cache().parse(str(payload["query"]), compilation.target.version).tree
    if tree is None:
        return Synthesis(rule.rule.key, rule.rule.name, (), (UnsolvedCase("all of it", "the query does not parse"),))
    found = make_cases(tree, payload)
    made = Made(
        cases=tuple(one for one in found if isinstance(one, Case)),
        name=f"Made from the query of {rule.rule.name}",
        index=stream_of(tree) if sources(tree) else "",
        source=f"rules/{rule.folder}/tests/synth{f'-{key}' if key else ''}.yaml",
        query=key,
        payload=payload,
        joins=joins_of(tree),
        run_at=run_at_of(tree, payload) if any(isinstance(one, Case) for one in found) else "",
    )
    origin = Origin(rule.source.hunt.source, rule.query)
    unsolved = tuple(_placed(one, origin, tree.text) for one in found if isinstance(one, Unsolvable))
    return Synthesis(rule.rule.key, rule.rule.name, made.tests(), unsolved, made)


def _placed(unsolvable: Unsolvable, origin: Origin, text: str) -> UnsolvedCase:
    """With the place in the hunt of the condition that is in the way."""
    place = origin.place(text, unsolvable.at) if unsolvable.at is not None else None
    return UnsolvedCase(unsolvable.name, f"{place}: {unsolvable.why}" if place else unsolvable.why)


def tried(synthesis: Synthesis, server: Server, clock: Callable[[], datetime]) -> Synthesis:
    """The synthesis with those cases only that do on the embedded Elasticsearch what their names say."""
    made = synthesis.made
    if made is None or not synthesis.tests:
        return synthesis
    run = Run(f"synth-{uuid.uuid4().hex[:8]}", clock(), embedded=True)
    query = read_query(str(made.payload["query"]), OFFLINE.version).at_moment(moment_of(synthesis.tests[0], run.now))
    made, dropped = CaseTrial(server, run, query).sort(made)
    unsolved = (*synthesis.unsolved, *(UnsolvedCase(one.name, one.why) for one in dropped))
    tests = made.tests()
    if why := next(filter(None, map(_unreadable, tests)), ""):
        return replace(synthesis, tests=(), unsolved=(*unsolved, UnsolvedCase("all of it", why)), made=made)
    return replace(synthesis, tests=tests, unsolved=unsolved, made=made)


def _unreadable(test: DetectionTest) -> str:
    """Why the file of a made test would not be read again, "" where it is."""
    text = detection_test_as_yaml(test)
    if len(text.encode()) > MAX_TEST - _HEAD:
        return f"its file would have {len(test.events):,} events, more than a file of {say_size(MAX_TEST)} holds"
    _, issues = parse_detection_test(text, source=test.source)
    return next((f"its file could not be read: {issue.message}" for issue in issues), "")


def make_cases(tree: Tree, payload: Mapping[str, Json]) -> list[Case | Unsolvable]:
    """The cases of a rule's query, for the time that the rule looks back."""
    if not sources(tree):
        return [Unsolvable("all of it", NO_INDEX, 0)]
    fields = known_fields(tree, stream_of(tree))
    if lost := _lost_column(tree):
        return [Unsolvable("all of it", f"its alerts lose the column {lost} (DEP021)", _last_condition(tree))]
    try:
        plan, within = read_plan(tree), TimeRange(*looked_at(payload))
        return Maker(plan, tree, fields, replace(within, moment=run_moment(plan, within))).make()
    except Unknown as error:
        at = error.at if isinstance(error, Unsolved) else None
        return [Unsolvable("all of it", str(error), _last_condition(tree) if at is None else at)]


def run_at_of(tree: Tree, payload: Mapping[str, Json]) -> str:
    """When a rule runs for the tests that are made of its query, "" for any moment. Raises Unknown for no query."""
    plan = read_plan(tree)
    return run_at(run_moment(plan, TimeRange(*looked_at(payload))), plan)


def _lost_column(tree: Tree) -> str:
    """A column that Kibana drops from the alerts, as ECS has fields below it: verify passes no test of such a rule."""
    columns, groups = output_columns(tree), load_knowledge().ecs_groups
    lost = (one for one in columns if one in groups and not any(name.startswith(f"{one}.") for name in columns))
    return next(lost, "")


def _last_condition(tree: Tree) -> int | None:
    """Where the last WHERE says what it wants: the place of what stands in no single condition's way."""
    wanted = [one.predicate.span.start for one in tree.commands if isinstance(one, Where)]
    return wanted[-1] if wanted else None


def known_fields(tree: Tree, stream: str) -> Fields:
    """The types of the fields: the integration's, ECS's, or what the query demands; and which hold lists in ECS."""
    demanded, known, arrays = inferred_types(tree), known_types(stream), load_knowledge().arrays
    alike = types_alike(tree, known)
    return Fields(
        type_of=lambda name: known.get(name) or demanded.get(name) or alike.get(name) or "keyword",
        is_list=lambda name: name in arrays,
    )


def stream_of(tree: Tree) -> str:
    """A data stream that the query reads from: logs-azure.signinlogs* is logs-azure.signinlogs-default.

    Raises Unsolved for a query that reads from none.
    """
    if not sources(tree):
        raise Unsolved(NO_INDEX)
    patterns = [source.strip('"') for source in sources(tree)]
    own = [one for one in patterns if not one.startswith("-")] or patterns
    first = next((one for one in own if load_knowledge().field_types([one])), own[0])
    local = first.partition("::")[0].rpartition(":")[2].lower()
    usual = f"{local.replace('*', '').strip('-.') or 'logs-events'}-default"
    names = (usual, ".alerts-security.alerts-default", local.replace("*", "default"))
    return next((name for name in names if reads(patterns, name)), usual)


def joins_of(tree: Tree) -> tuple[Join, ...]:
    """The LOOKUP JOINs of a query, whose rows a made test holds."""
    return read_joins(tree, known_types(stream_of(tree))) if sources(tree) else ()


def file_text(root: Path, test: DetectionTest) -> str:
    """The file of a generated test; editors find its schema where the project has it."""
    return detection_test_as_yaml(test, COMMENT, schema=schema_line(root, "test", above=3))


def standing(root: Path, made: Synthesis) -> str:
    """The first file of one rule's tests that is there already, "" where none is."""
    return next((test.source for test in made.tests if (root / test.source).exists()), "")


def write_tests(root: Path, made: Synthesis, *, force: bool = False) -> tuple[str, ...]:
    """Write the files of one rule's tests; their names.

    Raises InputError, with none of them written, where one is there already.
    """
    if not force and (there := standing(root, made)):
        raise InputError("the file is there already", location=Location(there), hint="--force overwrites it")
    for test in made.tests:
        write_text(root / test.source, file_text(root, test), shown=test.source)
    return tuple(test.source for test in made.tests)


def remove_leftovers(root: Path, made: Synthesis) -> tuple[str, ...]:
    """Delete the files that an earlier synthesis of the rule wrote beyond those of this one; their names.

    They would go on proving a query that is no more. One that bears no word of ours is somebody's own.
    """
    if made.made is None or not made.tests:
        return ()
    stem, query = made.made.source.removesuffix(".yaml"), made.made.query
    folder, kept = (root / stem).parent, {test.source for test in made.tests}
    names = [f"{stem}{path.name[len(Path(stem).name) :]}" for path in sorted(folder.glob(f"{Path(stem).name}-*.yaml"))]
    left = [name for name in names if name not in kept and re.fullmatch(r"-\d+\.yaml", name.removeprefix(stem))]
    gone = tuple(name for name in left if _is_ours(read_text(root / name, shown=name, limit=MAX_TEST), name, query))
    for name in gone:
        (root / name).unlink()
    return gone


def _is_ours(text: str, source: str, query: str | None) -> bool:
    """Whether a text is that of a test which was made of this query."""
    test, _ = parse_detection_test(text, source=source)
    return COMMENT.splitlines()[0] in text and test is not None and test.query == query


def synth_code(found: Sequence[Synthesis]) -> ExitCode:
    """1 where nothing could be made of a rule; 0 else."""
    return ExitCode.OK if all(one.tests for one in found) else ExitCode.FAILED
