"""Files of practices: asked for, put straight into Blob Storage, checked and recorded (rules 8)."""
