"""From one environment to the next: gates, approvals, attestations."""
