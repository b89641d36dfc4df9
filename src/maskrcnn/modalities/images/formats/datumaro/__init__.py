"""Datumaro."""
