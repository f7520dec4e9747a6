"""A run that is in place, to look into from a notebook: its images, and what each model says of them."""
