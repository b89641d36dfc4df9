"""What the command line says before a job begins: help, and what is meant by a slip."""
