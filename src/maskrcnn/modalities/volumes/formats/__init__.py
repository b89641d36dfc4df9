"""A folder for each format of scans."""
