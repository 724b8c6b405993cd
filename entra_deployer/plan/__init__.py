"""What a push changes: existing against desired, drift, applying a plan and reading back."""
