"""What several test files use: networks, photographs, files, servers and other people's models."""
