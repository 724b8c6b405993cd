"""What a command does, for commands and Python users alike."""
