"""Documents from a query: events that it must find, and near misses that differ from them in one condition. Pure."""
