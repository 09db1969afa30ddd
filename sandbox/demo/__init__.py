"""The whole system on one machine, pushing 3,000 messages through the sandbox: `make demo`."""
