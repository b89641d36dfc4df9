"""The rules of a plan, each a function from the situation to a value and its reason."""
