// Two identities: the app serves, the migrator changes the tables. Neither has a secret.
metadata name = 'Identities'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the app\'s identity, and of its role in the database.')
param appName string

@description('Name of the migrator\'s identity, and of its role in the database.')
param migratorName string

@description('Repository whose workflows may act as the migrator, as OWNER/NAME; empty: none.')
param githubRepository string

@description('Environment of that repository, with the rules that protect it.')
param githubEnvironment string

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: appName
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
output migratorName string = migrator.name
output migratorClientId string = migrator.properties.clientId
output migratorPrincipalId string = migrator.properties.principalId
