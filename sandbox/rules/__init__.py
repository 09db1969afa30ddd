"""What makes a push valid: audience, payload and options, each refusal with its documented code."""
