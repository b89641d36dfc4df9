"""Where the numbers of a training go besides its own log: programs that people compare their trainings in."""
