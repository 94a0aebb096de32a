"""What people see: files, figures, the report."""
