SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#calls",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  validatorUrl: null, // by default a badge is loaded from another host
});
