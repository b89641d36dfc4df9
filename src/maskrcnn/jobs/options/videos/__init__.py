"""Options of jobs on videos."""
