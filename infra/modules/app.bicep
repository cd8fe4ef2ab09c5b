// The Function App on Flex Consumption, with all its settings. tests/repository/test_infra.py compares the settings
// with those that the code reads.
metadata name = 'Function App'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the app.')
param name string

@description('Name of the plan.')
param planName string

@description('Managed identity of the app.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Name of that identity, and of its role in the database.')
param identityName string

@description('Managed identity that stores and reads the deployed package.')
param packageIdentityId string

@description('Id of the Functions host.')
param hostId string

@description('URL of the blob service.')
param blobEndpoint string

@description('URL of the queue service.')
param queueEndpoint string

@description('Container for the deployed package.')
param packageContainer string

@description('Host name of the database server.')
param databaseHost string

@description('Port of PgBouncer or PostgreSQL.')
param databasePort int

@description('Number of database connections available to the app.')
param databaseConnections int

@description('Database connections per instance for calls. Threads and concurrent calls follow from it.')
param databasePoolSize int

@description('Whether to use prepared statements; not possible with PgBouncer.')
param preparedStatements bool

@description('URI of the key vault.')
param vaultUri string

@description('Connection string of Application Insights.')
param insightsConnectionString string

@description('Origins of the web client.')
param corsOrigins array

@description('Memory of an instance in MB.')
param instanceMemoryMB int

@description('Maximum number of instances for each scale group.')
param maximumInstanceCount int

@description('Number of always ready instances for HTTP.')
param alwaysReadyHttpInstances int

@description('Distribute instances over availability zones.')
param zoneRedundant bool

@description('Subnet for outgoing connections of the app; empty for none.')
param subnetId string

@description('Settings that override the defaults below, by name.')
param settings object

// In UTC: 01:00 to 02:30 in India; the reminders at 06:30.
var schedules = {
  AGGREGATE_SAVINGS_SCHEDULE: '0 30 19 * * *'
  RATE_STARS_SCHEDULE: '0 45 19 * * *'
  RECONCILE_UPLOADS_SCHEDULE: '0 0 20 * * *'
  VERIFY_LEADERBOARD_SCHEDULE: '0 15 20 * * *'
  REBUILD_ROLL_UPS_SCHEDULE: '0 0 21 * * *'
  PURGE_EXPIRED_SCHEDULE: '0 30 20 * * *'
  REMIND_REVIEWERS_SCHEDULE: '0 0 1 * * *'
}

// As many calls wait for a connection as have one; a few threads more answer the health endpoints meanwhile.
var concurrentCalls = 2 * databasePoolSize
var threads = concurrentCalls + 4

// Defaults that the parameter `settings` can override.
var defaults = {
  BCRYPT_ROUNDS: '10'
  BUSINESS_TIMEZONE: 'Asia/Kolkata'
  DATABASE_POOL_TIMEOUT: '3'
  EXPENSIVE_STATEMENT_TIMEOUT: '60'
  FISCAL_YEAR_START_MONTH: '1'
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '11534336' // 11 MB: a photograph of 10 MB in a form
  JWT_AUDIENCE: 'amber-portal-api'
  JWT_ISSUER: 'amber-portal'
  OIDC_AUDIENCE: ''
  OIDC_ISSUER: ''
  OIDC_JWKS_URL: ''
  OTEL_EXPORTER_OTLP_ENDPOINT: ''
  RATE_LIMIT_GENERAL: '300/minute'
  RATE_LIMIT_SIGN_IN: '5/minute'
  RATE_LIMIT_SIGN_IN_CLIENT: '100/minute'
  RATE_LIMIT_UPLOAD: '10/minute'
  STAR_POLICY: 'banded'
  REVIEW_DUE_WORKING_DAYS: '5'
  TELEMETRY: 'opentelemetry'
  KEEP_PHOTO_METADATA: 'false'
  RESTORED_COPY: 'false'
  TRUSTED_PROXIES: '1'
  WEB_APP_URL: ''
}

// Derived from the resources. AzureWebJobsStorage__* is the connection of the host and of the blob triggers.
var derived = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  AZURE_CLIENT_ID: identityClientId
  AzureFunctionsWebHost__hostid: hostId
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  BLOB_TRIGGER_SOURCE: 'EventGrid'
  DATABASE_AUTH: 'entra'
  DATABASE_POOL_SIZE: string(databasePoolSize)
  DATABASE_PREPARED_STATEMENTS: string(preparedStatements)
  DATABASE_URL: 'postgresql://${identityName}@${databaseHost}:${databasePort}/portal?sslmode=verify-full'
  JWT_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/jwt-secret)'
  PYTHON_THREADPOOL_THREAD_COUNT: string(threads)
  STORAGE_ACCOUNT_URL: blobEndpoint
}

// Azure scales all HTTP functions together, all blob triggers together, and runs each timer on one instance. Each
// instance has one connection pool, and those that serve HTTP one connection more for the health endpoints. This is the
// maximum number of connections.
var mostInstances = 2 * maximumInstanceCount + length(items(schedules))
var mostConnections = mostInstances * databasePoolSize + maximumInstanceCount
var connectionsFit = mostConnections <= databaseConnections

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225:A parameter: only prod has zone redundancy, because it needs two always ready instances.
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_222:Browsers call the portal over the internet, with HTTPS and tokens.
  // checkov:skip=CKV_AZURE_17:Users sign in with tokens; browsers have no client certificates.
  // checkov:skip=CKV_AZURE_212:Flex Consumption has no worker count; it uses alwaysReady.
  // checkov:skip=CKV_AZURE_78:Flex Consumption has no FTP and no property ftpsState.
  // checkov:skip=CKV_AZURE_213:Flex Consumption has no health check; probes call /health from outside.
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${packageIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: packageIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: connectionsFit ? maximumInstanceCount : fail('${mostConnections} connections (${mostInstances} instances x databasePoolSize ${databasePoolSize} + ${maximumInstanceCount}) are more than the ${databaseConnections} that the database takes.')
        alwaysReady: alwaysReadyHttpInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyHttpInstances
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: concurrentCalls
          }
        }
      }
    }
    siteConfig: {
      appSettings: [for setting in items(union(schedules, defaults, settings, derived)): {
        name: setting.key
        value: setting.value
      }]
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      cors: {
        allowedOrigins: corsOrigins
        supportCredentials: !empty(corsOrigins)
      }
    }
  }
}

// Deployment also uses Entra ID: no user name and password for the deployment site or FTP.
resource deploymentSitePasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

output name string = app.name
output baseUrl string = 'https://${app.properties.defaultHostName}'
output mostDatabaseConnections int = mostConnections
