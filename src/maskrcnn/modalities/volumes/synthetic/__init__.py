"""Made-up volumes whose every label is known exactly."""
