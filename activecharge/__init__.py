"""Active learning of static and dynamic charges of water."""
