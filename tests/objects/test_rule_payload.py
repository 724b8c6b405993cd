"""The type of a payload and the table of fields say the same of a rule."""

import msgspec

from entra_deployer.objects.rule_fields import RULE_FIELDS, max_signals
from entra_deployer.objects.rule_payload import RulePayload


def test_each_field_that_a_rule_may_set_has_a_type():
    typed = {field.encode_name for field in msgspec.structs.fields(RulePayload)}
    assert RULE_FIELDS.keys() - typed == {"rule_id", "type", "language"}
    assert typed <= RULE_FIELDS.keys()


def test_what_is_not_said_is_what_kibana_fills_in():
    unsaid = msgspec.to_builtins(RulePayload())
    filled_in = {name: field.default for name, field in RULE_FIELDS.items() if field.default is not None}
    assert {name: unsaid[name] for name in filled_in} == filled_in
    assert max_signals({}) == RulePayload().max_signals
