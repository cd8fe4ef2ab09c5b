"""The edge: the endpoint decorator and its parts. It knows HTTP and the unit of work, but no feature."""
