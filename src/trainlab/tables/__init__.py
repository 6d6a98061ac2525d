"""From a table in a file to a model that is judged on rows it has not seen, and a page."""
