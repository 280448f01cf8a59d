"""Outside services behind Protocols; every failure is translated at this border."""
