"""What a program asks for, whole: train, evaluate, convert ...; jobs print nothing."""
