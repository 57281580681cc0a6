"""Pages of text, tables and figures, as HTML and as Markdown."""
