"""What readers of any kind of file share: text, numbers, units, packed files and limits of size."""
