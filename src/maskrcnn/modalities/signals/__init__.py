"""Recordings, sounds, series of numbers and sequences of bases."""
