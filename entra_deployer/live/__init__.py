"""Rules as they stand in Kibana: listing, removing, waiting for their runs."""
