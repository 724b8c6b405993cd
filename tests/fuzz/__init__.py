"""Every reader, given what nobody would write: it reads, or refuses in our own words, in bounded time and memory."""
