// Three managed identities without secrets: of the app, of its deployed package, and of migrations.
metadata name = 'Identities'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the app\'s identity, and of its role in the database.')
param appName string

@description('Name of the identity that stores and reads the deployed package.')
param packageName string

@description('Name of the migrator\'s identity, and of its role in the database.')
param migratorName string

@description('Repository whose workflows can use the migrator\'s identity, as OWNER/NAME; empty for none.')
param githubRepository string

@description('GitHub environment of that repository; its protection rules apply.')
param githubEnvironment string

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: appName
  location: location
  tags: tags
}

resource package 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: packageName
  location: location
  tags: tags
}

resource migrator 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: migratorName
  location: location
  tags: tags
}

resource workflow 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(githubRepository)) {
  parent: migrator
  name: 'github-${githubEnvironment}'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:${githubRepository}:environment:${githubEnvironment}'
    audiences: ['api://AzureADTokenExchange']
  }
}

output appId string = app.id
output appName string = app.name
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output packageId string = package.id
output packagePrincipalId string = package.properties.principalId
output migratorName string = migrator.name
output migratorClientId string = migrator.properties.clientId
output migratorPrincipalId string = migrator.properties.principalId
