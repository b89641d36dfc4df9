"""Sequences composed of others: objects that pass before and behind each other, with exact masks and numbers."""
