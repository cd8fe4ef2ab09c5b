"""The content of files: images, documents, spreadsheets."""
