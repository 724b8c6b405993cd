"""Documents from a query: events that it must find, and near misses that differ from them in one condition. Pure.

A query is read as conditions on events, a grouping, and conditions on groups. Each condition becomes a constraint on a
field, seen through what the query makes of it (REPLACE, DISSECT, CASE); each OR is a choice. Conditions on groups
become numbers of events and of different values; where that cannot be solved (sums, a second STATS), the query is
computed over candidates. A near miss turns one condition round and keeps all others. Then every mutant of the query is
computed over the cases (`sharpen`): for one that none tells, cases are added or changed until query and mutant differ.
"""
