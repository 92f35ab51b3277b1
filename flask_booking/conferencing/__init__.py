"""Meeting links that no calendar makes: a service of their own makes them, moves them and takes them back."""
