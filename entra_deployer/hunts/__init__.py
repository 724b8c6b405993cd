"""Hunts as their authors wrote them: the noun, its readers by format, its settings, and the smallest edit back."""
