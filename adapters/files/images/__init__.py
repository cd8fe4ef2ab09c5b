"""The structure of image files, read without a decoder: what decoding costs, and which parts are needed."""
