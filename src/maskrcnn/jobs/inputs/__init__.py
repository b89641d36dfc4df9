"""What a user names as inputs: files, folders, patterns, lists, addresses and standard input."""
