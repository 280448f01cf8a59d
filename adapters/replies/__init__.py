"""Who reads customers' messages, and who carries replies to them."""
