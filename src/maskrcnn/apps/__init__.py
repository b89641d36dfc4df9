"""Programs for people: they read what is asked for, call jobs, and show what comes of it."""
