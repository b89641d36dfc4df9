"""What some tasks change about the model that a training starts from."""
