"""A page that says how good a model is, why it fails and what to do next: one self-contained HTML file."""
