"""What a job is asked for: a frozen record a job, whose ``check`` answers slips before anything heavy is loaded."""
