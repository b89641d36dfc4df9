"""What a prediction on recordings writes."""
