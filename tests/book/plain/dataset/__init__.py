"""The data of the book's scripts."""
