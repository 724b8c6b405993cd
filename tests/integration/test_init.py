"""What `deploy init` makes works: its first hunt is pushed and proved without a change."""


def test_the_first_hunt_of_a_new_project_is_pushed_and_proved(project):
    assert project.deploy("init") == 0
    assert project.deploy("check") == 0, project.output
    assert project.deploy("push", "test") == 0, project.output
    code, document = project.document("verify", "--on", "test")
    assert code == 0, document
    assert [(one["name"], one["status"]) for one in document["verdicts"]] == [
        ("Entra Password Guessing Against One Account", "passed")
    ]
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0
