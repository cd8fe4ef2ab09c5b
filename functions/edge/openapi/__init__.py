"""The OpenAPI 3.1 document of the API, made from the declarations of the endpoints alone."""

from functions.edge.openapi.document import document, document_json

__all__ = ["document", "document_json"]
