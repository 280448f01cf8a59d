"""Sample requests of TikTok Shop creators: the messages that report them and the records kept of them."""
