"""`deploy init` as a new user meets it."""

from entra_deployer.__main__ import run


def test_it_tells_what_it_made_and_what_to_do_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert "created  rules/password_guessing/hunt.md" in out
    assert [line.split("  ")[1] for line in out.partition("Next:\n")[2].splitlines()] == [
        "deploy push",
        "deploy verify",
        "deploy init staging",
    ]
    assert run(["init"]) == 0
    assert "nothing was made" in capsys.readouterr().out


def test_an_environment_comes_with_its_own_next_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "staging"]) == 0
    out = capsys.readouterr().out
    assert "created  deploy/staging.yaml" in out
    assert "export STAGING_API_KEY=..." in out
    assert "deploy doctor staging --role --stack VERSION" in out
    assert run(["init", "staging"]) == 0
    assert "kept     deploy/staging.yaml  is there already" in capsys.readouterr().out


def test_a_wrong_name_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "a/b"]) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
