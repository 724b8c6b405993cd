"""Addresses from variables, and what holds for an environment with the place where it is said."""

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.project.ci import Choices, Provider, init_pipeline
from entra_deployer.project.init import environment_text
from entra_deployer.stack.environment import Credentials, Scheme
from entra_deployer.stack.environment_file import EnvironmentFile
from entra_deployer.stack.environments import LocalServers, load_environment
from entra_deployer.stack.settings import EMBEDDED, list_environments, settings_of

NOWHERE = LocalServers("", "", Credentials(Scheme.BASIC, ""))
FILE = """\
kibana:
  url: ${KIBANA_URL}
elasticsearch:
  url: https://es-${BRANCH}.example.com:9200
auth: {api_key: {variable: KEY}}
spaces: [soc]
limits: {batch: 7}
"""
VARIABLES = {"KIBANA_URL": "https://kibana.example.com:5601/", "BRANCH": "fix-1", "KEY": "very secret"}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "branch.yaml").write_text(FILE, "utf-8")
    return tmp_path


def load(root, variables):
    return load_environment(root, "branch", variables, lambda _: NOWHERE)


def test_urls_come_from_variables(root):
    environment = load(root, VARIABLES)
    assert environment.kibana.url == "https://kibana.example.com:5601"
    assert environment.elasticsearch.url == "https://es-fix-1.example.com:9200"


def test_a_cloud_id_comes_from_a_variable(root):
    text = FILE.replace(
        "kibana:\n  url: ${KIBANA_URL}\nelasticsearch:\n  url: https://es-${BRANCH}.example.com:9200\n",
        "cloud_id: ${ID}\n",
    )
    (root / "deploy" / "branch.yaml").write_text(text, "utf-8")
    identifier = "x:ZXVyb3BlLmV4YW1wbGUuY29tJGVsYXN0aWMtaWQka2liYW5hLWlk"
    assert load(root, {**VARIABLES, "ID": identifier}).kibana.url == "https://kibana-id.europe.example.com:443"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"KIBANA_URL": ""}, r"deploy/branch\.yaml:2:3: the variable KIBANA_URL is not set \(export KIBANA_URL=…\)"),
        ({"KIBANA_URL": "kibana.example.com"}, "is not the URL of a server"),
        ({"KIBANA_URL": "ftp://kibana.example.com"}, "is not the URL of a server"),
        ({"KIBANA_URL": "https://me:pw@kibana.example.com"}, "may not hold a user or a password"),
        ({"BRANCH": "x.example.net/"}, r"branch\.yaml:4:3: the variable BRANCH is not part of an address"),
        ({"BRANCH": "x@evil"}, "is not part of an address"),
    ],
)
def test_a_variable_that_makes_no_address_is_told_with_its_place(root, changed, told):
    with pytest.raises(InputError, match=told):
        load(root, VARIABLES | changed)


def test_a_secret_is_never_part_of_an_address(root):
    (root / "deploy" / "branch.yaml").write_text(FILE.replace("${BRANCH}", "${KEY}"), "utf-8")
    with pytest.raises(InputError, match="KEY holds a secret") as caught:
        load(root, VARIABLES)
    assert "very secret" not in str(caught.value)


def test_each_setting_is_told_with_its_source_and_without_secrets(root):
    found = {one.key: one for one in settings_of(root, "branch", VARIABLES)}
    assert (found["kibana.url"].value, found["kibana.url"].source) == (
        "https://kibana.example.com:5601",
        "deploy/branch.yaml:2:3, variable KIBANA_URL",
    )
    assert found["elasticsearch.url"].source == "deploy/branch.yaml:4:3, variable BRANCH"
    assert (found["limits.batch"].value, found["limits.batch"].source) == (7, "deploy/branch.yaml:7:10")
    assert (found["limits.parallel"].value, found["limits.parallel"].source) == (16, "default")
    assert (found["enabled"].value, found["enabled"].source) == (False, "default")
    assert (found["auth.api_key"].value, found["auth.api_key"].problem) == ("variable KEY", "")
    assert "very secret" not in repr(found)


def test_what_is_not_set_is_told_and_the_rest_goes_on(root):
    found = {one.key: one for one in settings_of(root, "branch", {"BRANCH": "x"})}
    assert found["kibana.url"].value is None
    assert found["kibana.url"].problem == "the variable KIBANA_URL is not set"
    assert found["auth.api_key"].problem == "the variable KEY is not set"
    assert found["elasticsearch.url"].value == "https://es-x.example.com:9200"


def test_environments_are_listed_with_what_is_missing_and_what_is_wrong(root):
    (root / "deploy" / "broken.yaml").write_text("kibana: 3\n", "utf-8")
    broken_off, branch, local = sorted(list_environments(root, {"KEY": "k"}), key=lambda one: one.name != "broken")
    assert broken_off.name == "broken"
    assert broken_off.problem.startswith("deploy/broken.yaml:1:")
    assert (branch.kibana, branch.unset, branch.spaces) == ("${KIBANA_URL}", ("BRANCH", "KIBANA_URL"), ("soc",))
    assert (local.name, local.kibana, local.problem) == ("local", EMBEDDED, "")


def test_every_key_of_an_environment_is_among_its_settings(root):
    (root / "deploy" / "full.yaml").write_text(environment_text("full"), "utf-8")
    keys = {one.key.partition(".")[0] for one in settings_of(root, "full", {})}
    optional = {"local", "cloud_id", "version", "ca", "certificate", "key", "proxy", "signing_key"}
    assert keys == set(EnvironmentFile.__struct_fields__) - optional


@pytest.mark.parametrize("provider", list(Provider))
def test_a_pipeline_gives_its_jobs_the_variables_of_addresses(root, provider):
    choices = Choices(("branch",), install=f"git+https://example.com/a/b@{'0' * 40}")
    text = init_pipeline(root, provider, choices, ask=lambda *_: None).text
    for name in ("KIBANA_URL", "BRANCH", "KEY"):
        assert name in text
    assert "KIBANA_URL_READ" not in text
