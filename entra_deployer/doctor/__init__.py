"""What an environment and its key can do."""
