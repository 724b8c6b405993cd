"""Which Maven repository is asked: the user's own where there is one."""

import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.mirrors import VARIABLE, repository
from tests.reading import there

SETTINGS = """<?xml version="1.0"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
  <servers><server><id>ours</id>{server}</server></servers>
  <mirrors>
    <mirror><id>other</id><mirrorOf>snapshots</mirrorOf><url>https://other.example</url></mirror>
    <mirror><id>ours</id><mirrorOf>{of}</mirrorOf><url>https://maven.example/all/</url></mirror>
  </mirrors>
</settings>
"""


@pytest.fixture
def settings(tmp_path):
    def write(of="*", server="", text=SETTINGS):
        path = tmp_path / "settings.xml"
        path.write_text(text.format(of=of, server=server), encoding="utf-8")
        return path

    return write


def test_there_is_none_without_variable_and_settings(tmp_path):
    assert repository({}, tmp_path / "settings.xml") is None


def test_the_variable_comes_first(settings):
    assert repository({VARIABLE: "https://mine.example/maven/"}, settings()) == "https://mine.example/maven"


@pytest.mark.parametrize("of", ["*", "central", "external:*", "snapshots, central", " * ", "*,!snapshots"])
def test_a_mirror_of_central_is_used(settings, of):
    assert repository({}, settings(of)) == "https://maven.example/all"


@pytest.mark.parametrize("of", ["snapshots", "*,!central", "external:http:*", ""])
def test_a_mirror_of_something_else_is_not(settings, of):
    assert repository({}, settings(of)) is None


def test_settings_without_a_namespace_are_read_too(settings):
    assert repository({}, settings(text=SETTINGS.replace(' xmlns="http://maven.apache.org/SETTINGS/1.0.0"', "")))


def test_credentials_of_the_same_id_go_with_it_with_environment_variables_filled_in(settings):
    server = "<username>jo</username><password>${env.MAVEN_PASSWORD}</password>"
    assert repository({"MAVEN_PASSWORD": "p@ss/word"}, settings(server=server)) == (
        "https://jo:p%40ss%2Fword@maven.example/all"
    )


def test_an_encrypted_password_is_refused_with_another_way(settings):
    path = settings(server="<username>jo</username><password>{COQLCE6DU6GtcS5P=}</password>")
    with pytest.raises(LocalStackError, match="encrypted") as caught:
        repository({}, path)
    assert VARIABLE in there(caught.value.hint)
    assert "COQLCE6DU6GtcS5P" not in str(caught.value)


def test_settings_that_are_not_xml_are_named_with_the_place(tmp_path):
    path = tmp_path / "settings.xml"
    path.write_text("<settings>\n  <mirrors>\n</settings>", encoding="utf-8")
    with pytest.raises(LocalStackError) as caught:
        repository({}, path)
    assert str(caught.value).startswith(f"{path}:3:")
