"""A look inside two students: measures of attention and confidence, described and drawn; nothing is ranked."""
