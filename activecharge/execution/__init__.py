"""Running items of work in parallel, here or on Ray. It knows nothing of campaigns."""
