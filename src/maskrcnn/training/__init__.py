"""Training: one screen of loop, everything random drawn from (seed, epoch, image), and a state that resumes exactly."""
