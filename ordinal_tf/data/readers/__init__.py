"""Published data sets in their own layouts, as labels in one form.

Each reader raises `ValueError`, one sentence that names the file, where one is
missing or not in its layout, nobody is left, or there are too many bad records.
"""
