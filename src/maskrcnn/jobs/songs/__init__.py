"""What a program asks for of songs."""
