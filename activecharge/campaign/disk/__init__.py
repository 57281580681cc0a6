"""The run directory: every file of a campaign, who may write, and what its files hold."""
