// A Static Web App for the web client, which is deployed from the repository of the client.
metadata name = 'Web client'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the Static Web App.')
param name string

@description('Tier: Free or Standard.')
param tier string

resource site 'Microsoft.Web/staticSites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: tier
    tier: tier
  }
  properties: {}
}

output origin string = 'https://${site.properties.defaultHostname}'
