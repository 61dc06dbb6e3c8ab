"""Two local pages: one to annotate with, one to look at predictions with.

`pages` is what both have in common; `annotate` and `look` are their servers,
and `static/` holds what runs in the browser, without a build step.
"""
