"""What a user may say of a campaign: one YAML file, checked before any compute is spent."""
