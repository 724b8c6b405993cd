"""What the rooms below found, as documents: a module for each noun."""
