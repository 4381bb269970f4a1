"""Colorization by two nets that learn against each other."""
