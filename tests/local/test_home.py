"""Where the home is, and what its modules say of themselves."""

from entra_deployer.local.elasticsearch import NodeSettings
from entra_deployer.local.home import CACHE_VARIABLE, MODULES, Home, cache_folder


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


def test_without_the_variable_it_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert cache_folder().name == "entra-deployer"


def test_a_descriptor_names_class_version_and_what_it_sees():
    [esql] = [module for module in MODULES if module.name == "x-pack-esql"]
    assert esql.descriptor() == (
        "description=x-pack-esql\n"
        "version=8.19.21\n"
        "name=x-pack-esql\n"
        "classname=org.elasticsearch.xpack.esql.plugin.EsqlPlugin\n"
        "java.version=17\n"
        "elasticsearch.version=8.19.21\n"
        "extended.plugins=x-pack-core,x-pack-kql\n"
    )
    assert "extended.plugins" not in MODULES[0].descriptor()


def test_modules_see_only_modules_that_there_are():
    names = {module.name for module in MODULES}
    assert len(names) == len(MODULES)
    assert {other for module in MODULES for other in module.extends} <= names


def test_the_class_path_is_sorted_and_relative_whatever_the_folder_is_called(tmp_path):
    folder = tmp_path / "a: folder"
    (folder / "lib").mkdir(parents=True)
    for name in ("b.jar", "a.jar", "notes.txt"):
        (folder / "lib" / name).touch()
    assert Home(folder, folder / "java").class_path() == "lib/a.jar:lib/b.jar"


def test_the_password_is_a_secure_setting_and_security_is_on(tmp_path):
    settings = NodeSettings(tmp_path / "data", tmp_path / "logs", 9201, "s3cret")
    lines = settings.text(tmp_path / "home").splitlines()
    assert "!bootstrap.password=s3cret" in lines
    assert [line for line in lines if "s3cret" in line] == ["!bootstrap.password=s3cret"]
    assert {"xpack.security.enabled=true", "network.host=127.0.0.1", "http.port=9201"} <= set(lines)
    assert lines[-1] == ""
    assert "s3cret" not in repr(settings)
