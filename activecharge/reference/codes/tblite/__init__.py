"""Labels from the tblite library."""
