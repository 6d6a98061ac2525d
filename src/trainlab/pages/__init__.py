"""What offline pages share: words, templates that escape, a style, pictures inside the page."""
