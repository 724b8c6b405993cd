"""Rules from and for other tools: what comes in becomes hunts, what goes out is the compiled rule in another's form.

A reader gives `ForeignRule`s, in Kibana's field names; a writer gives texts. What has no place on the other side is
told field by field.
"""
