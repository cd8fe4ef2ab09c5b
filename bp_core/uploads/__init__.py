"""Files of practices: images and documents, uploaded to Blob Storage, checked and recorded (rules 8)."""
