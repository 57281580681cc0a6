"""Steps in time, of whatever drives."""
