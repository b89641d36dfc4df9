"""What training minimises: each loss a sum and a count, so that parts of a batch add up to the whole."""
