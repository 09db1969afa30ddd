"""Everything that runs: the API client, the lanes, the delivery, the jobs, the web process."""
