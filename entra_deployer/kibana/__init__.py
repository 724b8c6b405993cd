"""Everything that is said to Kibana: one client, one handler for each kind of object."""
