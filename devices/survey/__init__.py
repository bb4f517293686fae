"""What a device says of itself: questions that one shell program answers there, in one call."""
