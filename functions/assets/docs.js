SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#calls",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  validatorUrl: null, // or else badges are asked for elsewhere
});
