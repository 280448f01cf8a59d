"""Due chat schedules become chat tasks: claimed, judged, rendered, published with confirms, settled."""
