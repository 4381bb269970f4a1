"""Every picture and plot that the package draws."""
