"""Each served route goes by a recorded answer of the real Kibana."""

import pytest

from entra_deployer.local.kibana import routes
from tests.integration import recorded

STEPS = {step.seq: step for step in recorded.steps()}
RECORDED = [route for route in routes.ROUTES if route.record is not None]


@pytest.mark.parametrize("route", RECORDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_names_a_recorded_request_to_it(route):
    step = STEPS[route.record]
    path = step.path.partition("?")[0]
    found, _ = routes.match(step.method, path)
    assert found is route
    assert step.status < 500


def test_a_route_without_a_record_is_one_that_no_record_asks_for():
    asked = {routes.match(step.method, step.path.partition("?")[0])[0] for step in STEPS.values()}
    assert {route for route in asked if route} == set(RECORDED)


def test_what_is_left_out_is_a_route_of_the_real_one():
    """Where the records ask for it, the real one had it."""
    left_out = [step for step in STEPS.values() if routes.left_out(step.method, step.path.partition("?")[0])]
    assert left_out
    assert any(step.status == 200 for step in left_out)
