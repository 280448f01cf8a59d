"""RabbitMQ: topology, publishing, consuming, verdicts, delays and repair."""
