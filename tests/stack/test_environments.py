"""Environment files: what they may say, and what is said of one that is wrong."""

from base64 import b64encode

import pytest

from entra_deployer.core.errors import InputError, SecretError, UsageError
from entra_deployer.core.files import find_root
from entra_deployer.stack.environment import Credentials, Gates, Scheme
from entra_deployer.stack.environments import (
    InvalidFile,
    LocalServers,
    LocalStackChoice,
    environments,
    load_environment,
    stated_versions,
)

SECRET = "s3cr3t-of-the-tests"
LOCAL = LocalServers("http://127.0.0.1:1", "http://127.0.0.1:2", Credentials(Scheme.BASIC, SECRET, "elastic"))
STAGING = """\
kibana: {url: "https://kibana.example:5601/"}
elasticsearch: {url: "https://elastic.example:9200"}
auth: {api_key: {variable: STAGING_KEY}}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "deploy").mkdir()
    return tmp_path


def load(project, text, name="staging", variables=None):
    (project / "deploy" / f"{name}.yaml").write_text(text, "utf-8")
    return load_environment(project, name, {"STAGING_KEY": SECRET} if variables is None else variables, lambda _: LOCAL)


def test_local_is_built_in(project):
    environment = load_environment(project, "local", {}, lambda _: LOCAL)
    assert environment.kibana.url == "http://127.0.0.1:1"
    assert environment.enabled
    assert environment.spaces == ("default",)


def test_a_file_may_overlay_local(project):
    environment = load(project, "enabled: false\noverlay: {severity: low}\n", "local")
    assert not environment.enabled
    assert environment.overlay == {"severity": "low"}
    assert environment.elasticsearch.url == "http://127.0.0.1:2"


def test_an_environment_reads_its_secret_by_the_variables_name(project):
    environment = load(project, STAGING)
    assert environment.kibana.url == "https://kibana.example:5601"
    assert environment.kibana.credentials == Credentials(Scheme.API_KEY, SECRET)
    assert not environment.enabled
    assert SECRET not in repr(environment)


def test_a_secret_may_stand_in_a_file(project):
    (project / "key").write_text(f"{SECRET}\n")
    text = STAGING.replace("{variable: STAGING_KEY}", "{file: key}")
    assert load(project, text).kibana.credentials.secret == SECRET


@pytest.mark.parametrize("way", ["{up}{outside}/key", "{outside}/key", "link", "folder/key", "loop"])
def test_a_secret_outside_of_the_repository_is_not_read_unless_the_shell_allows_it(project, tmp_path_factory, way):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "key").write_text(SECRET)
    (project / "link").symlink_to(outside / "key")
    (project / "folder").symlink_to(outside)
    (project / "loop").symlink_to(project / "loop")
    text = STAGING.replace(
        "{variable: STAGING_KEY}", f"{{file: {way.format(outside=outside, up='../' * len(project.parts))}}}"
    )
    with pytest.raises(SecretError, match=r"outside of the repository|cannot be read") as caught:
        load(project, text)
    assert SECRET not in str(caught.value)
    if way != "loop":
        allowed = load(project, text, variables={"ENTRA_DEPLOYER_SECRET_FOLDERS": str(outside)})
        assert allowed.kibana.credentials.secret == SECRET


def test_each_server_may_have_its_own_credentials(project):
    own = 'elasticsearch: {url: "https://e:9200", auth: {basic: {user: u, password: {variable: STAGING_KEY}}}}'
    text = STAGING.replace('elasticsearch: {url: "https://elastic.example:9200"}', own)
    environment = load(project, text)
    assert environment.kibana.credentials.scheme is Scheme.API_KEY
    assert environment.elasticsearch.credentials == Credentials(Scheme.BASIC, SECRET, "u")


def test_a_cloud_id_stands_for_both_urls(project):
    cloud_id = "name:" + b64encode(b"region.cloud.example:9243$elastic-part$kibana-part").decode()
    environment = load(project, f"cloud_id: {cloud_id}\nauth: {{api_key: {{variable: STAGING_KEY}}}}\n")
    assert environment.elasticsearch.url == "https://elastic-part.region.cloud.example:9243"
    assert environment.kibana.url == "https://kibana-part.region.cloud.example:9243"


def test_an_unset_variable_is_named_with_its_place(project):
    with pytest.raises(SecretError) as caught:
        load(project, STAGING, variables={})
    assert str(caught.value).startswith("deploy/staging.yaml:3:")
    assert "STAGING_KEY" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (STAGING + "spacez: [a]\n", "4:1", "did you mean 'spaces'?"),
        (STAGING + "spaces: default\n", "4:1", "must be a list"),
        (STAGING + "timeout: -1\n", "4:1", "timeout"),
        (STAGING + "proxy: proxy.example.com\n", "4:1", "http://proxy.example.com:3128"),
        (STAGING + "limits: {batches: 3}\n", "4:10", "did you mean 'batch'?"),
        (STAGING + "verify: 'no'\n", "4:1", "must be true or false"),
        (STAGING.replace("api_key:", "api_kay:"), "3:8", "did you mean 'api_key'?"),
        (STAGING.replace("{variable: STAGING_KEY}", "s3cr3t"), "3:8", "must be a mapping"),
        (STAGING + "spaces: [a]\nspaces: [b]\n", "5:1", "twice"),
        (STAGING + "auth: [\n", "5:1", "not valid YAML"),
        (STAGING + "auth: {api_key: {variable: not a name}}\n", "4:", ""),
    ],
)
def test_a_wrong_file_is_told_with_place_and_next_step(project, text, place, said):
    with pytest.raises(InvalidFile) as caught:
        load(project, text)
    assert str(caught.value).startswith(f"deploy/staging.yaml:{place}")
    assert said in str(caught.value)


def test_all_faults_of_a_file_are_told(project):
    with pytest.raises(InvalidFile) as caught:
        load(project, STAGING + "one: 1\ntwo: 2\n")
    assert {issue.message for issue in caught.value.issues} == {"unknown key 'one'", "unknown key 'two'"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("auth: {api_key: {variable: STAGING_KEY}}\n", "kibana.url is missing"),
        ('kibana: {url: "http://k"}\nelasticsearch: {url: "http://e"}\n', "auth is missing"),
        (STAGING + "ca: no-such-file.pem\n", "no-such-file.pem does not exist"),
        (STAGING + "key: deploy/staging.yaml\n", "key needs certificate beside it"),
        ("cloud_id: nonsense\nauth: {api_key: {variable: STAGING_KEY}}\n", "not a Cloud ID"),
    ],
)
def test_what_is_missing_is_told(project, text, said):
    with pytest.raises(InputError, match=said):
        load(project, text)


def test_an_unknown_environment_names_those_that_exist(project):
    (project / "deploy" / "docker-compose.yml").write_text("")
    load(project, STAGING)
    assert environments(project) == ["local", "staging"]
    with pytest.raises(UsageError, match="local, staging"):
        load_environment(project, "prod", {}, lambda _: LOCAL)


def test_the_root_is_found_from_below(project):
    below = project / "rules" / "a" / "tests"
    below.mkdir(parents=True)
    assert find_root(below) == project


def test_no_root_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="rules/"):
        find_root(tmp_path)


def test_a_bearer_token_by_its_variable(project):
    environment = load(project, STAGING.replace("api_key:", "bearer:"))
    assert environment.elasticsearch.credentials == Credentials(Scheme.BEARER, SECRET)


def test_how_a_server_is_reached_holds_for_both(project):
    for name in ("ca.pem", "client.pem", "client.key"):
        (project / name).write_text("pem")
    more = "ca: ca.pem\ncertificate: client.pem\nkey: client.key\nproxy: http://proxy.example:3128\ntimeout: 2.5\n"
    environment = load(project, STAGING + more)
    for endpoint in (environment.kibana, environment.elasticsearch):
        assert endpoint.ca == str(project / "ca.pem")
        assert (endpoint.certificate, endpoint.key) == (str(project / "client.pem"), str(project / "client.key"))
        assert (endpoint.proxy, endpoint.timeout, endpoint.verify) == ("http://proxy.example:3128", 2.5, True)


def test_a_password_in_a_url_is_refused_and_never_shown(project):
    with pytest.raises(InputError, match="under auth") as caught:
        load(project, STAGING.replace("https://kibana", f"https://ute:{SECRET}@kibana"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("place", ["{variable: STAGING_KEY}", "STAGING_KEY"])
def test_a_secret_written_where_its_variable_belongs_is_not_shown(project, place):
    with pytest.raises(InvalidFile, match="not the secret itself") as caught:
        load(project, STAGING.replace(place, SECRET))
    assert SECRET not in str(caught.value)


def test_an_environment_may_be_a_local_stack(project):
    asked = []

    def local(choice):
        asked.append(choice)
        return LOCAL

    (project / "deploy" / "staging.yaml").write_text('local: {name: second, profile: "8.12"}\nenabled: false\n')
    environment = load_environment(project, "staging", {}, local)
    assert asked == [LocalStackChoice("second", "8.12")]
    assert environment.embedded
    assert not environment.enabled
    assert environment.kibana.url == LOCAL.kibana_url


def test_a_local_stack_is_called_as_its_environment_where_nothing_else_is_said(project):
    asked = []

    def local(choice):
        asked.append(choice)
        return LOCAL

    (project / "deploy" / "dev.yaml").write_text("local: {}\n")
    load_environment(project, "dev", {}, local)
    assert asked == [LocalStackChoice("dev")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("local: {profile: 8.12}\n", "profile"),
        ("local: {port: 1}\n", "unknown key 'port'"),
    ],
)
def test_a_local_stack_knows_its_own_keys_alone(project, text, complaint):
    with pytest.raises(InvalidFile, match=complaint):
        load(project, text)


@pytest.mark.parametrize("name", ["staging", "local"])
def test_a_local_stack_has_no_servers_of_its_own(project, name):
    with pytest.raises(InputError, match=rf"deploy/{name}\.yaml:2:1: a local stack has no kibana of its own"):
        load(project, f"local: {{}}\n{STAGING}", name)


def test_gates_are_read_with_their_times_in_seconds(project):
    gates = "gates:\n  minimum_mutation_score: 0.8\n  soak: 24h\n  verdict_age: 7d\n  signed: true\n"
    approvals = "  approvals: {file: deploy/approvals/staging.yaml, count: 2}\n"
    found = load(project, STAGING + gates + approvals).gates
    assert found == Gates(
        minimum_mutation_score=0.8,
        verdict_age=7 * 86400,
        soak=86400,
        approvals=2,
        approvals_file="deploy/approvals/staging.yaml",
        signed=True,
    )
    assert load(project, STAGING).gates == Gates()


@pytest.mark.parametrize("gate", ["soak: soon", "soak: 24", "minimum_mutation_score: 2", "approvals: {count: 1}"])
def test_a_gate_that_means_nothing_is_refused(project, gate):
    with pytest.raises(InvalidFile):
        load(project, f"{STAGING}gates: {{{gate}}}\n")


def test_a_signing_key_is_missed_by_nobody_but_a_promotion(project):
    text = STAGING + "signing_key: {variable: SIGNING_KEY}\n"
    assert load(project, STAGING).signing_key is None
    assert load(project, text).signing_key == ""
    both = load(project, text, variables={"STAGING_KEY": "k", "SIGNING_KEY": SECRET})
    assert both.signing_key == SECRET
    assert SECRET not in repr(both)


def test_the_versions_that_environments_state_are_known_without_their_secrets(project):
    for name, version in (("dev", "9.1"), ("staging", "8.19"), ("production", "8.19")):
        (project / "deploy" / f"{name}.yaml").write_text(f'{STAGING}version: "{version}"\n', "utf-8")
    assert [str(version) for version in stated_versions(project)] == ["8.19.0", "9.1.0"]


@pytest.mark.parametrize("name", ["staging.yml", "Staging.yaml", "staging.yaml.txt"])
def test_a_file_under_a_near_name_is_told(project, name):
    (project / "deploy" / name).write_text(STAGING)
    with pytest.raises(
        InputError, match=rf"deploy/{name}: is not read under this name .did you mean deploy/staging.ya"
    ):
        load_environment(project, "staging", {}, lambda _: LOCAL)


def test_a_local_yml_is_not_passed_over(project):
    (project / "deploy" / "local.yml").write_text("enabled: false\n")
    with pytest.raises(InputError, match=r"deploy/local\.yaml"):
        load_environment(project, "local", {}, lambda _: LOCAL)


@pytest.mark.parametrize("url", ["https://", "https://[::1", "https://k:port", "https://:80"])
def test_what_is_no_url_is_told(project, url):
    with pytest.raises(InputError, match=r"kibana\.url"):
        load(project, STAGING.replace("https://kibana.example:5601/", url))
