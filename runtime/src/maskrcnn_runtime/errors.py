"""What may go wrong for a user, in one sentence that names the file and what to do."""


class RuntimeFault(Exception):
    """Anything that the user can put right; the command line prints it and exits with 2."""
