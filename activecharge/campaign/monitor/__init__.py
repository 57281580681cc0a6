"""How a campaign comes along, for people and for programs; the loop does not know of it."""
