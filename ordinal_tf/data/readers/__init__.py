"""Published data sets in their own layouts, as labels in one form."""
