"""What all writers of results share: names of files, lists that grow, and what became of each input."""
