"""Running the portal without Azure: a development and test set-up, nothing of which is deployed."""
