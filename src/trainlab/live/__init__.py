"""The live laboratory: a page on which populations train, and answer when something is changed."""
