"""Pictures and tables of a whole clip: where things were, when, and what each looked like."""
