"""What formats of labelled images share."""
