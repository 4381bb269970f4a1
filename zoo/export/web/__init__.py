"""A folder for any web host: a page that colors photos on the visitor's own device."""
