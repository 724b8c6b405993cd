"""Where the home is, and what a node is told."""

from entra_deployer.local.elasticsearch import NodeSettings
from entra_deployer.local.home import CACHE_VARIABLE, Home, cache_folder


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


def test_without_the_variable_it_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert cache_folder().name == "entra-deployer"


def test_the_class_path_is_sorted_and_relative_whatever_the_folder_is_called(tmp_path):
    folder = tmp_path / "a: folder"
    (folder / "lib").mkdir(parents=True)
    for name in ("b.jar", "a.jar", "notes.txt"):
        (folder / "lib" / name).touch()
    assert Home(folder, folder / "java").class_path() == "lib/a.jar:lib/b.jar"


def test_a_start_archive_is_used_where_there_is_one(tmp_path):
    home = Home(tmp_path, tmp_path / "java")
    assert not home.start_options
    home.start_archive.touch()
    assert not home.start_options
    home.start_archive.write_bytes(b"archive")
    assert home.start_options == ("-XX:AOTCache=start.aot",)


def test_the_password_is_a_secure_setting_and_security_is_on(tmp_path):
    settings = NodeSettings(tmp_path / "data", tmp_path / "logs", 9201, "s3cret")
    lines = settings.text(tmp_path / "home").splitlines()
    assert "!bootstrap.password=s3cret" in lines
    assert [line for line in lines if "s3cret" in line] == ["!bootstrap.password=s3cret"]
    assert {"xpack.security.enabled=true", "network.host=127.0.0.1", "http.port=9201"} <= set(lines)
    assert lines[-1] == ""
    assert "s3cret" not in repr(settings)
