"""Small changes of a query that its tests should notice."""
