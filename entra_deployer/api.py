"""What the commands do, as functions: the commands call these, and so may any Python program.

A program opens an environment and asks for a report, which is data; nothing here prints or logs::

    from pathlib import Path
    from entra_deployer.api import PushRequest, Repository, Selection, load_environment, open_connection, plan_rules

    hunts = Repository(Path("detections"))
    environment = load_environment(hunts.root, "staging", os.environ, local)
    with open_connection(environment, warn=print) as staging:
        report = plan_rules(hunts, staging, PushRequest(Selection(("entra_*",))))

A name is imported where it is first asked for: `deploy --help` needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entra_deployer.checked import (
        CheckReport as CheckReport,
        Said as Said,
        check_code as check_code,
        remembered as remembered,
    )
    from entra_deployer.checks.codes import find_explanation as find_explanation, list_explanations as list_explanations
    from entra_deployer.compiler.compiled import CompileReport as CompileReport, CompiledRule as CompiledRule
    from entra_deployer.core.errors import DeployError as DeployError, ExitCode as ExitCode, Location as Location
    from entra_deployer.core.files import find_root as find_root
    from entra_deployer.core.issue import Issue as Issue, Level as Level
    from entra_deployer.core.target import StackVersion as StackVersion, Target as Target, VersionRange as VersionRange
    from entra_deployer.coverage import (
        Coverage as Coverage,
        Covered as Covered,
        Stage as Stage,
        compared as compared,
        find_coverage as find_coverage,
        find_coverage_at as find_coverage_at,
        layer_of as layer_of,
    )
    from entra_deployer.doctor.examine import doctor_code as doctor_code, examine as examine, least_role as least_role
    from entra_deployer.doctor.findings import Examination as Examination
    from entra_deployer.doctor.status import (
        EnvironmentStatus as EnvironmentStatus,
        away as away,
        look as look,
        status_code as status_code,
    )
    from entra_deployer.exchange.export_rules import (
        ExportForm as ExportForm,
        Exported as Exported,
        compile_for_space as compile_for_space,
        export_rules as export_rules,
    )
    from entra_deployer.exchange.import_rules import import_files as import_files, import_space as import_space
    from entra_deployer.forecast.forecast import (
        Forecast as Forecast,
        ForecastRequest as ForecastRequest,
        forecast as forecast,
        forecast_code as forecast_code,
        forecast_of_plan as forecast_of_plan,
    )
    from entra_deployer.hunts.folder import Catalog as Catalog, DetectionTest as DetectionTest, RuleSource as RuleSource
    from entra_deployer.hunts.selection import Selection as Selection
    from entra_deployer.ledger.history import History as History, read_history as read_history
    from entra_deployer.ledger.open import open_connection as open_connection
    from entra_deployer.ledger.recover import recover as recover
    from entra_deployer.ledger.rollback import RollbackRequest as RollbackRequest, roll_back as roll_back
    from entra_deployer.live.list_rules import list_rules as list_rules, only_named as only_named
    from entra_deployer.live.remove import (
        Removal as Removal,
        apply_removal as apply_removal,
        decline_removal as decline_removal,
        plan_removal as plan_removal,
        remove_code as remove_code,
        show_removal as show_removal,
    )
    from entra_deployer.live.wait import wait_code as wait_code, wait_for_runs as wait_for_runs
    from entra_deployer.overview import (
        Overview as Overview,
        look_over as look_over,
        look_over_environment as look_over_environment,
    )
    from entra_deployer.plan.connection import Connection as Connection
    from entra_deployer.plan.difference import DriftReport as DriftReport
    from entra_deployer.plan.drift import drift_code as drift_code, find_drift as find_drift
    from entra_deployer.plan.engine import check_on_engine as check_on_engine
    from entra_deployer.plan.journal import LockHolder as LockHolder
    from entra_deployer.plan.live_rule import Inventory as Inventory
    from entra_deployer.plan.plan import Plan as Plan
    from entra_deployer.plan.push import (
        PushRequest as PushRequest,
        now as now,
        plan_code as plan_code,
        plan_rules as plan_rules,
        push_code as push_code,
        push_rules as push_rules,
        push_saved_plan as push_saved_plan,
    )
    from entra_deployer.plan.remaining import Direction as Direction
    from entra_deployer.plan.report import Report as Report
    from entra_deployer.plan.serial import read_plan as read_plan, write_plan as write_plan
    from entra_deployer.project.ci import (
        Choices as Choices,
        Pipeline as Pipeline,
        Provider as Provider,
        init_pipeline as init_pipeline,
    )
    from entra_deployer.project.init import init_project as init_project
    from entra_deployer.project.new_hunt import NewHunt as NewHunt, new_hunt as new_hunt
    from entra_deployer.project.schemas import (
        SCHEMAS as SCHEMAS,
        install_schemas as install_schemas,
        schema_text as schema_text,
    )
    from entra_deployer.promotion.attestation import Promotion as Promotion, check_attestation as check_attestation
    from entra_deployer.promotion.promote import (
        PromotionRequest as PromotionRequest,
        promote as promote,
        promote_code as promote_code,
    )
    from entra_deployer.pull.pull import PullRequest as PullRequest, pull_code as pull_code, pull_rules as pull_rules
    from entra_deployer.pull.drafts import PullReport as PullReport
    from entra_deployer.repository import (
        Compilation as Compilation,
        OFFLINE as OFFLINE,
        Repository as Repository,
        check_rules as check_rules,
    )
    from entra_deployer.stack.environment import Environment as Environment
    from entra_deployer.stack.environments import (
        load_environment as load_environment,
        stated_versions as stated_versions,
    )
    from entra_deployer.stack.settings import list_environments as list_environments, settings_of as settings_of
    from entra_deployer.verify.generate.tests import Synthesis as Synthesis
    from entra_deployer.verify.generate_tests import (
        file_text as file_text,
        remove_leftovers as remove_leftovers,
        standing as standing,
        synth_code as synth_code,
        synthesise as synthesise,
        tried as tried,
        write_tests as write_tests,
    )
    from entra_deployer.verify.load import (
        Loaded as Loaded,
        LoadRequest as LoadRequest,
        load_events as load_events,
    )
    from entra_deployer.verify.replay import (
        Replay as Replay,
        ReplayRequest as ReplayRequest,
        replay_code as replay_code,
        replay_rule as replay_rule,
    )
    from entra_deployer.verify.verdict import Status as Status, VerifyReport as VerifyReport
    from entra_deployer.verify.verify_rules import (
        VerifyRequest as VerifyRequest,
        live_code as live_code,
        look_at_live_data as look_at_live_data,
        verify_code as verify_code,
        verify_rules as verify_rules,
    )

ROOMS = {
    "checked": "CheckReport Said check_code remembered",
    "checks.codes": "find_explanation list_explanations",
    "compiler.compiled": "CompileReport CompiledRule",
    "core.errors": "DeployError ExitCode Location",
    "core.files": "find_root",
    "core.issue": "Issue Level",
    "core.target": "StackVersion Target VersionRange",
    "coverage": "Coverage Covered Stage compared find_coverage find_coverage_at layer_of",
    "doctor.examine": "doctor_code examine least_role",
    "doctor.findings": "Examination",
    "doctor.status": "EnvironmentStatus away look status_code",
    "exchange.export_rules": "ExportForm Exported compile_for_space export_rules",
    "exchange.import_rules": "import_files import_space",
    "forecast.forecast": "Forecast ForecastRequest forecast forecast_code forecast_of_plan",
    "hunts.folder": "Catalog DetectionTest RuleSource",
    "hunts.selection": "Selection",
    "ledger.history": "History read_history",
    "ledger.open": "open_connection",
    "ledger.recover": "recover",
    "ledger.rollback": "RollbackRequest roll_back",
    "live.list_rules": "list_rules only_named",
    "live.remove": "Removal apply_removal decline_removal plan_removal remove_code show_removal",
    "live.wait": "wait_code wait_for_runs",
    "overview": "Overview look_over look_over_environment",
    "plan.connection": "Connection",
    "plan.difference": "DriftReport",
    "plan.drift": "drift_code find_drift",
    "plan.engine": "check_on_engine",
    "plan.journal": "LockHolder",
    "plan.live_rule": "Inventory",
    "plan.plan": "Plan",
    "plan.push": "PushRequest now plan_code plan_rules push_code push_rules push_saved_plan",
    "plan.remaining": "Direction",
    "plan.report": "Report",
    "plan.serial": "read_plan write_plan",
    "project.ci": "Choices Pipeline Provider init_pipeline",
    "project.init": "init_project",
    "project.new_hunt": "NewHunt new_hunt",
    "project.schemas": "SCHEMAS install_schemas schema_text",
    "promotion.attestation": "Promotion check_attestation",
    "promotion.promote": "PromotionRequest promote promote_code",
    "pull.drafts": "PullReport",
    "pull.pull": "PullRequest pull_code pull_rules",
    "repository": "Compilation OFFLINE Repository check_rules",
    "stack.environment": "Environment",
    "stack.environments": "load_environment stated_versions",
    "stack.settings": "list_environments settings_of",
    "verify.generate.tests": "Synthesis",
    "verify.generate_tests": "file_text remove_leftovers standing synth_code synthesise tried write_tests",
    "verify.load": "LoadRequest Loaded load_events",
    "verify.replay": "Replay ReplayRequest replay_code replay_rule",
    "verify.verdict": "Status VerifyReport",
    "verify.verify_rules": "VerifyRequest live_code look_at_live_data verify_code verify_rules",
}
"""The names that stand here, by the module that holds them."""

_MODULES = {name: module for module, names in ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """The object of a name that stands here."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"entra_deployer.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """All names, sorted."""
    return sorted(_MODULES)
