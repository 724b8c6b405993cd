"""Checks: one file each, pure. A check looks at one query of a hunt and the rule that it became."""

from entra_deployer.checks import (
    array_fields,
    column_names,
    date_patterns,
    document_identity,
    fixed_dates,
    from_in_string,
    gaps,
    group_keys,
    letter_case,
    like_patterns,
    limits,
    max_signals,
    negations,
    plain_wildcards,
    repeated_conditions,
    repeats,
    stack_features,
    swapped_arguments,
    tactics,
    techniques,
    time_range,
    type_errors,
    unknown_fields,
    wall_clock,
)
from entra_deployer.checks.check import Check

CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        type_errors.CHECK,
        stack_features.CHECK,
        unknown_fields.CHECK,
        array_fields.CHECK,
        negations.CHECK,
        limits.CHECK,
        gaps.CHECK,
        techniques.CHECK,
        tactics.CHECK,
        group_keys.CHECK,
        column_names.CHECK,
        from_in_string.CHECK,
        max_signals.CHECK,
        repeats.CHECK,
        time_range.CHECK,
        like_patterns.CHECK,
        date_patterns.CHECK,
        swapped_arguments.CHECK,
        fixed_dates.CHECK,
        wall_clock.CHECK,
        document_identity.CHECK,
        plain_wildcards.CHECK,
        repeated_conditions.CHECK,
        letter_case.CHECK,
    )
}
"""The checks by their codes, which never change their meaning."""
