"""What a program or a notebook types: a model that takes anything, and the commands as functions."""
