"""A file in, an Issue out: front matter, Markdown, mail-safe HTML and plain text.

::

    file ──reading, frontmatter──▶ fields, body ──dialects──▶ plain Markdown ──issue──▶ Issue
    Issue.body ──engine, commonmark──▶ HTML ──sanitise──▶ safe HTML ──shape──▶ one tree ──▶ HTML
                                                                                └─plaintext─▶ text

`markdown.convert` is the second line; `source` knows what stands in which line of the file. `head`
is as much of the first line as the schedule needs to look for what is due.
"""
