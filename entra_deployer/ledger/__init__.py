"""What each push left in an environment: history, base, journal, lock, and the way back."""
