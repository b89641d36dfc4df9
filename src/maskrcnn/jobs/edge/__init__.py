"""What runs beside a network: models for small computers."""
