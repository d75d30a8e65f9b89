"""train: folders of speech and noise + a recipe → a float network."""
