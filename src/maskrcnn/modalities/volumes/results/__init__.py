"""What a prediction on scans writes."""
