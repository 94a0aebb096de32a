"""What is simulated: values only, no randomness, no files."""
