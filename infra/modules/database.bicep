// PostgreSQL Flexible Server, with sign-in by Entra ID only. `dev.py roles`, run as administrator, creates the database
// and its two roles, because Bicep cannot grant privileges inside the database.
metadata name = 'Database'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the server.')
param name string

@description('Major version of PostgreSQL.')
param version string

@description('Size of the server; one of the keys of userConnectionsOf below.')
param skuName string

@description('Tier of that size.')
param skuTier string

@description('Storage in GB.')
param storageGB int

@description('Days of backups for point-in-time restore.')
param backupRetentionDays int

@description('Also store backups in the paired region.')
param geoRedundantBackup bool

@description('Run a standby in another zone.')
param zoneRedundant bool

@description('Run PgBouncer on the server. Not available in the Burstable tier.')
param pgBouncer bool

@description('Number of connections from PgBouncer to the database.')
param pgBouncerPoolSize int

@description('Administrators: objects with objectId, name and type.')
param administrators array

@allowed(['Enabled', 'Disabled'])
@description('Whether the server can be reached from outside the private network.')
param publicNetworkAccess string

@description('Log Analytics workspace for logs.')
param workspaceId string

// User connections of each size: the maximum minus the 15 that Azure reserves.
var userConnectionsOf = {
  Standard_B1ms: 35
  Standard_B2s: 414
  Standard_B2ms: 844
  Standard_B4ms: 1703
  Standard_D2ds_v5: 844
  Standard_D4ds_v5: 1703
  Standard_D8ds_v5: 3422
  Standard_D16ds_v5: 4985
  Standard_E2ds_v5: 1703
  Standard_E4ds_v5: 3422
  Standard_E8ds_v5: 4985
}
// Connections for others than the portal: migrations, an administrator, a backup.
var connectionsOfOthers = 15
var mostPgBouncerClients = 5000
var poolFits = pgBouncerPoolSize + connectionsOfOthers <= userConnectionsOf[skuName]

// PgBouncer refuses unknown startup parameters, so it ignores those of the portal. `dev.py roles` sets their values on
// the database.
var pgBouncerSettings = {
  'pgbouncer.enabled': 'true'
  'pgbouncer.pool_mode': 'transaction'
  'pgbouncer.default_pool_size': string(poolFits ? pgBouncerPoolSize : fail('pgBouncerPoolSize is more than the server takes.'))
  'pgbouncer.max_client_conn': string(mostPgBouncerClients)
  'pgbouncer.ignore_startup_parameters': 'extra_float_digits,options'
  'pgbouncer.query_wait_timeout': '5' // seconds; otherwise a call waits for two minutes while PostgreSQL is away
}
// The log has the text of statements that fail or take longer than a second, with $1 in place of the parameters. `terse`
// leaves out details, which have values of rows, such as "Key (email)=(...) already exists".
var serverSettings = {
  'connection_throttle.enable': 'on'
  log_checkpoints: 'on'
  log_error_verbosity: 'terse'
  log_min_duration_statement: '1000'
  log_parameter_max_length: '0'
  log_parameter_max_length_on_error: '0'
  log_statement: 'none'
  require_secure_transport: 'on'
  ssl_min_protocol_version: 'TLSv1.2'
}
var allSettings = items(pgBouncer ? union(serverSettings, pgBouncerSettings) : serverSettings)

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuTier
  }
  properties: {
    createMode: 'Default'
    version: version
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    storage: {
      storageSizeGB: storageGB
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupRetentionDays
      geoRedundantBackup: geoRedundantBackup ? 'Enabled' : 'Disabled'
    }
    highAvailability: {
      mode: zoneRedundant ? 'ZoneRedundant' : 'Disabled'
    }
    network: {
      publicNetworkAccess: publicNetworkAccess
    }
  }
}

// One after the other: the server accepts one change at a time.
@batchSize(1)
resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = [for one in administrators: {
  parent: server
  name: one.objectId
  properties: {
    principalName: one.name
    principalType: one.type
    tenantId: tenant().tenantId
  }
}]

@batchSize(1)
resource setting 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = [for one in allSettings: {
  parent: server
  name: one.key
  properties: {
    value: one.value
    source: 'user-override'
  }
  dependsOn: [administrator]
}]

// Without a private network the app has no fixed address, so the firewall allows all Azure addresses. Sign-in still
// needs a token of this tenant for a role of the server.
resource azureServices 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = if (publicNetworkAccess == 'Enabled') {
  parent: server
  name: 'azure-services'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
  dependsOn: [setting]
}

resource serverLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: server
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

output id string = server.id
output host string = server.properties.fullyQualifiedDomainName
output port int = pgBouncer ? 6432 : 5432
output userConnections int = userConnectionsOf[skuName]
output clientConnections int = pgBouncer ? mostPgBouncerClients : userConnectionsOf[skuName] - connectionsOfOthers
