"""ES|QL syntax: the only user of Elastic's offline parser. Text in, a frozen tree with positions out; pure."""
