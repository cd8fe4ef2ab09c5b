// All Azure resources of the portal, for `azd provision`. events.bicep is deployed after the code, secrets.bicep has
// the token signing key. docs/deployment.md has the order.
targetScope = 'subscription'

metadata name = 'Amber Best Practice & Benchmarking Portal'
metadata description = 'Function App, PostgreSQL, Blob Storage, Key Vault, monitoring; optionally a private network.'

@minLength(1)
@maxLength(40)
@description('Name of the environment. The names of all resources depend on it and on the subscription.')
param environmentName string

@minLength(1)
@description('Region of all resources.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Name of the resource group; if empty, derived from the name of the environment.')
param resourceGroupName string = ''

@description('Tags of all resources, in addition to the tag that azd uses to find its environment.')
param tags object = {}

// --- Access --------------------------------------------------------------------------------------------------

@description('Administrators of the database in Entra ID: objects with objectId, name and type (User, Group, ServicePrincipal). Password sign-in is disabled.')
param databaseAdministrators array

@description('Repository whose workflows migrate the database, as OWNER/NAME; empty for none. The GitHub environment with the same name can use the migrator\'s identity.')
param githubRepository string = ''

@description('E-mail addresses for alerts.')
param alertEmails array = []

// --- The web client ------------------------------------------------------------------------------------------

@description('Origins of the web client, such as https://portal.example. They can call the portal and upload to the storage account.')
param webOrigins array = []

@allowed(['None', 'Free', 'Standard'])
@description('Tier of a Static Web App for the web client, whose origin is added to webOrigins; None if the client is hosted elsewhere.')
param staticWebAppTier string = 'None'

@description('Region of the Static Web App. Only some regions support it.')
param staticWebAppLocation string = 'eastasia'

// --- Function App --------------------------------------------------------------------------------------------

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Maximum number of instances for each scale group: HTTP, and blob triggers. Azure does not accept less than 40.')
param maximumInstanceCount int = 40

@minValue(0)
@description('Number of always ready instances for HTTP.')
param alwaysReadyHttpInstances int = 0

@description('Distribute instances over availability zones; needs two always ready instances.')
param zoneRedundantApp bool = false

@minValue(2)
@maxValue(100)
@description('Database connections per instance for calls. Threads and concurrent calls follow from it.')
param databasePoolSize int = 10

@description('App settings that override the defaults in modules/app.bicep, by name (docs/configuration.md).')
param settings object = {}

// --- Database ------------------------------------------------------------------------------------------------

@allowed(['15', '16', '17'])
@description('Major version of PostgreSQL.')
param databaseVersion string = '17'

@description('Size of the server. modules/database.bicep has the number of connections of each size.')
param databaseSkuName string = 'Standard_B2s'

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
@description('Tier of that size. PgBouncer and a standby need a tier above Burstable.')
param databaseSkuTier string = 'Burstable'

@description('Storage of the server in GB. It grows automatically.')
param databaseStorageGB int = 32

@minValue(7)
@maxValue(35)
@description('Days of backups for point-in-time restore.')
param backupRetentionDays int = 7

@description('Also store backups in the paired region. Cannot be changed later.')
param geoRedundantBackup bool = false

@description('Run a standby in another zone.')
param zoneRedundantDatabase bool = false

@description('Connect to the database through its PgBouncer. Not available in the Burstable tier.')
param pgBouncer bool = false

@description('Number of connections from PgBouncer to the database.')
param pgBouncerPoolSize int = 100

// --- Storage, network, logs ----------------------------------------------------------------------------------

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS', 'Standard_RAGZRS'])
@description('Redundancy of photographs and documents.')
param storageSkuName string = 'Standard_LRS'

@minValue(1)
@description('Days until a quarantined file is deleted, if the nightly job has not deleted it before.')
param quarantineDays int = 40

@description('Days until a large export is deleted, if the nightly job has not deleted it before.')
param exportDays int = 2

@description('Use private endpoints for database, storage account and key vault. Browsers still upload to the public address of the storage account.')
param privateNetworking bool = false

@description('Address range of the private network.')
param addressPrefix string = '10.40.0.0/23'

@minValue(30)
@maxValue(730)
@description('Days until logs are deleted.')
param logRetentionDays int = 30

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var hostId = 'portal'
var appName = '${abbreviations.webSitesFunctions}portal-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: empty(resourceGroupName) ? '${abbreviations.resourcesResourceGroups}${environmentName}' : resourceGroupName
  location: location
  tags: allTags
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: allTags
    appName: '${abbreviations.managedIdentityUserAssignedIdentities}portal-${token}'
    packageName: '${abbreviations.managedIdentityUserAssignedIdentities}package-${token}'
    migratorName: '${abbreviations.managedIdentityUserAssignedIdentities}migrator-${token}'
    githubRepository: githubRepository
    githubEnvironment: environmentName
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceName: '${abbreviations.operationalInsightsWorkspaces}${token}'
    componentName: '${abbreviations.insightsComponents}${token}'
    retentionDays: logRetentionDays
    publisherPrincipalId: identities.outputs.appPrincipalId
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: allTags
    name: '${abbreviations.networkVirtualNetworks}${token}'
    securityGroupPrefix: abbreviations.networkNetworkSecurityGroups
    addressPrefix: addressPrefix
  }
}

module web 'modules/web.bicep' = if (staticWebAppTier != 'None') {
  name: 'web'
  scope: group
  params: {
    location: staticWebAppLocation
    tags: allTags
    name: '${abbreviations.webStaticSites}${token}'
    tier: staticWebAppTier
  }
}

var origins = staticWebAppTier == 'None' ? webOrigins : union(webOrigins, [web!.outputs.origin])

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: allTags
    name: '${abbreviations.storageStorageAccounts}${token}'
    skuName: storageSkuName
    systemTopicName: '${abbreviations.eventGridSystemTopics}${token}'
    appPrincipalId: identities.outputs.appPrincipalId
    packagePrincipalId: identities.outputs.packagePrincipalId
    hostId: hostId
    workspaceId: monitoring.outputs.workspaceId
    corsOrigins: origins
    quarantineDays: quarantineDays
    exportDays: exportDays
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    location: location
    tags: allTags
    name: '${abbreviations.postgreSQLServers}${token}'
    version: databaseVersion
    skuName: databaseSkuName
    skuTier: databaseSkuTier
    storageGB: databaseStorageGB
    backupRetentionDays: backupRetentionDays
    geoRedundantBackup: geoRedundantBackup
    zoneRedundant: zoneRedundantDatabase
    pgBouncer: pgBouncer
    pgBouncerPoolSize: pgBouncerPoolSize
    administrators: databaseAdministrators
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: allTags
    name: '${abbreviations.keyVaultVaults}${token}'
    readerPrincipalId: identities.outputs.appPrincipalId
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: allTags
    namePrefix: abbreviations.networkPrivateEndpoints
    subnetId: network!.outputs.endpointSubnetId
    networkId: network!.outputs.id
    storageId: storage.outputs.id
    databaseId: database.outputs.id
    vaultId: vault.outputs.id
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    location: location
    // azd uses this tag to find the app for the service in azure.yaml.
    tags: union(allTags, { 'azd-service-name': 'portal' })
    name: appName
    planName: '${abbreviations.webServerFarms}${token}'
    identityId: identities.outputs.appId
    identityClientId: identities.outputs.appClientId
    identityName: identities.outputs.appName
    packageIdentityId: identities.outputs.packageId
    hostId: hostId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    packageContainer: storage.outputs.packageContainer
    databaseHost: database.outputs.host
    databasePort: database.outputs.port
    databaseConnections: database.outputs.clientConnections
    databasePoolSize: databasePoolSize
    preparedStatements: !pgBouncer
    vaultUri: vault.outputs.uri
    insightsConnectionString: monitoring.outputs.connectionString
    corsOrigins: origins
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    zoneRedundant: zoneRedundantApp
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    settings: settings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: allTags
    actionGroupName: '${abbreviations.insightsActionGroups}${token}'
    emails: alertEmails
    workspaceId: monitoring.outputs.workspaceId
    databaseId: database.outputs.id
    databaseConnections: database.outputs.userConnections
    systemTopicId: storage.outputs.systemTopicId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = app.outputs.name
output SERVICE_PORTAL_BASE_URL string = app.outputs.baseUrl
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name
output AZURE_SYSTEM_TOPIC_NAME string = storage.outputs.systemTopicName
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output DATABASE_HOST string = database.outputs.host
output APP_IDENTITY_NAME string = identities.outputs.appName
output APP_IDENTITY_PRINCIPAL_ID string = identities.outputs.appPrincipalId
output MIGRATOR_IDENTITY_NAME string = identities.outputs.migratorName
output MIGRATOR_IDENTITY_PRINCIPAL_ID string = identities.outputs.migratorPrincipalId
output MIGRATOR_IDENTITY_CLIENT_ID string = identities.outputs.migratorClientId
output MOST_DATABASE_CONNECTIONS int = app.outputs.mostDatabaseConnections
