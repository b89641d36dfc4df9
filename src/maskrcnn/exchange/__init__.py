"""What was found in pictures, in the forms of other programs and libraries."""
