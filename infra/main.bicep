// The portal in Azure, whole: `azd provision`. What comes after the code is deployed stands in events.bicep,
// the secret that signs tokens in secrets.bicep. docs/deployment.md tells the order.
targetScope = 'subscription'

metadata name = 'Amber Best Practice & Benchmarking Portal'
metadata description = 'Function App, PostgreSQL, Blob Storage, Key Vault, monitoring; optionally a private network.'

@minLength(1)
@maxLength(40)
@description('Name of the environment; from it and the subscription follow the names of all resources.')
param environmentName string

@minLength(1)
@description('Region of all resources.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Name of the resource group; empty: from the name of the environment.')
param resourceGroupName string = ''

@description('Tags of all resources, beside the one that azd finds its environment by.')
param tags object = {}

// --- Who -----------------------------------------------------------------------------------------------------

@description('Administrators of the database, by Entra ID: objects of objectId, name and type (User, Group, ServicePrincipal). Nobody can sign in with a password.')
param databaseAdministrators array

@description('Repository whose workflows migrate the database, as OWNER/NAME; empty: none. Its environment of the same name gets the migrator\'s identity.')
param githubRepository string = ''

@description('Addresses that alerts are sent to.')
param alertEmails array = []

// --- The web client ------------------------------------------------------------------------------------------

@description('Origins of the web client, such as https://portal.example; they may call the portal and upload into the storage.')
param webOrigins array = []

@allowed(['None', 'Free', 'Standard'])
@description('Tier of a Static Web App for the web client, whose origin is then added to webOrigins; None where it is served elsewhere.')
param staticWebAppTier string = 'None'

@description('Region of the Static Web App, which few regions have.')
param staticWebAppLocation string = 'eastasia'

// --- Function App --------------------------------------------------------------------------------------------

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most instances of each group that is scaled by itself: HTTP, and blob triggers. Azure has refused fewer than 40.')
param maximumInstanceCount int = 40

@minValue(0)
@description('Instances for HTTP that are always warm.')
param alwaysReadyHttpInstances int = 0

@description('Spread the instances over the zones of the region; wants two that are always warm.')
param zoneRedundantApp bool = false

@minValue(2)
@maxValue(100)
@description('Connections to the database of an instance, its threads, and the calls that it is given at once.')
param databasePoolSize int = 10

@description('Settings of the portal that differ from the defaults in modules/app.bicep, by their names in the README.')
param settings object = {}

// --- Database ------------------------------------------------------------------------------------------------

@allowed(['15', '16', '17'])
@description('Major version of PostgreSQL.')
param databaseVersion string = '17'

@description('Size of the server; modules/database.bicep knows how many connections each takes.')
param databaseSkuName string = 'Standard_B2s'

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
@description('Tier of that size. PgBouncer and a standby need another than Burstable.')
param databaseSkuTier string = 'Burstable'

@description('Storage of the server in GB; it grows by itself.')
param databaseStorageGB int = 32

@minValue(7)
@maxValue(35)
@description('Days to which the database can be taken back.')
param backupRetentionDays int = 7

@description('Keep backups in the paired region, too. Cannot be changed later.')
param geoRedundantBackup bool = false

@description('Keep a standby in another zone.')
param zoneRedundantDatabase bool = false

@description('Reach the database through its PgBouncer. Not in the Burstable tier.')
param pgBouncer bool = false

@description('Connections of PgBouncer to the database.')
param pgBouncerPoolSize int = 100

// --- Storage, network, logs ----------------------------------------------------------------------------------

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS', 'Standard_RAGZRS'])
@description('Redundancy of photographs and documents.')
param storageSkuName string = 'Standard_LRS'

@minValue(1)
@description('Days that a quarantined file stays, if the nightly job did not remove it before.')
param quarantineDays int = 40

@description('Reach database, storage and vault over private endpoints. Browsers upload to the public address of the storage all the same.')
param privateNetworking bool = false

@description('Addresses of the private network.')
param addressPrefix string = '10.40.0.0/23'

@minValue(30)
@maxValue(730)
@description('Days that logs stay.')
param logRetentionDays int = 30

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
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
    workspaceId: monitoring.outputs.workspaceId
    corsOrigins: origins
    quarantineDays: quarantineDays
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
    // azd finds the app that a service of azure.yaml is deployed to by this tag.
    tags: union(allTags, { 'azd-service-name': 'portal' })
    name: appName
    planName: '${abbreviations.webServerFarms}${token}'
    identityId: identities.outputs.appId
    identityClientId: identities.outputs.appClientId
    identityName: identities.outputs.appName
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
