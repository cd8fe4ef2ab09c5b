// Private endpoints for storage account, database and key vault, and their DNS zones.
metadata name = 'Private endpoints'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Prefix for the names.')
param namePrefix string

@description('Subnet for the endpoints.')
param subnetId string

@description('Network that uses the DNS zones.')
param networkId string

@description('Storage account.')
param storageId string

@description('Database server.')
param databaseId string

@description('Key vault.')
param vaultId string

var targets = [
  {
    name: 'blob'
    id: storageId
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'queue'
    id: storageId
    group: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'database'
    id: databaseId
    group: 'postgresqlServer'
    zone: 'privatelink.postgres.database.azure.com'
  }
  {
    name: 'vault'
    id: vaultId
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for target in targets: {
  name: target.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (target, number) in targets: {
  parent: zones[number]
  name: 'portal'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [for target in targets: {
  name: '${namePrefix}${target.name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.id
          groupIds: [target.group]
        }
      }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (target, number) in targets: {
  parent: endpoints[number]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.name
        properties: {
          privateDnsZoneId: zones[number].id
        }
      }
    ]
  }
}]
