"""What every room builds on: errors, time, JSON, YAML, issues."""
