"""What the places of a file say of the file as a whole."""
