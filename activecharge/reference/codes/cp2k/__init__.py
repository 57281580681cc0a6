"""Labels from CP2K."""
