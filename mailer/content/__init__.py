"""A file in, an Issue out: front matter, Markdown, mail-safe HTML and plain text."""
