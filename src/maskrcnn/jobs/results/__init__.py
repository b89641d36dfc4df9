"""What a prediction leaves beside pictures and tables."""
