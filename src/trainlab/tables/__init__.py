"""From a table in a file to a network that is judged on rows it has not seen, and a page."""
