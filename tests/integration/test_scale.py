"""A thousand rules are pushed, planned again and pruned."""

import shutil

RULES = 1000
LEFT = 20


def test_a_thousand_rules_push_plan_and_prune(project, proxy):
    for number in range(RULES):
        project.add_hunt(f"h{number}", number=number)
    code, document = project.document("push", "test")
    assert code == 0, project.errors
    assert {c["result"] for c in document["plan"]["changes"]} == {"applied"}
    assert len(document["plan"]["changes"]) == 2 * RULES + 1
    ids = {rule["rule_id"] for rule in project.rules().values()}
    assert len(ids) == RULES

    proxy.clear()
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0
    assert f"No changes: {2 * RULES + 1} objects as desired." in project.output
    assert len(proxy.seen) <= 6, "status, license, our rules, other rules, searches, the tag"

    for number in range(LEFT, RULES):
        shutil.rmtree(project.root / "rules" / f"h{number}")
    assert project.deploy("push", "test", "--prune") == 1
    assert "more than the 10 of limits.prune_count" in " ".join(project.output.split())
    with (project.root / "deploy" / "test.yaml").open("a") as file:
        file.write("limits: {prune_count: 1000, prune_percent: 99}\n")
    assert project.deploy("push", "test", "--prune") == 0, project.output
    assert len(project.rules()) == len(project.searches()) == LEFT
    assert project.deploy("plan", "test", "--prune", "--detailed-exit-code") == 0
