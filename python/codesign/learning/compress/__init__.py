"""compress: a trained float network → a smaller one that rounds as the firmware does. Needs torch (the extra `train`)."""
