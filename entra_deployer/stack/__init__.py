"""An environment's servers: its file, the connections, what versions and licenses can do."""
