"""The functions of the book *Deep Learning from Scratch*, by the names its readers know."""
