// The storage account: photographs, documents, blobs and queues of the Functions host, the app package. Account keys are
// disabled; browsers upload with URLs that the app signs with its managed identity.
metadata name = 'Storage'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the account.')
param name string

@description('Redundancy.')
param skuName string

@description('Name of the Event Grid system topic of the account.')
param systemTopicName string

@description('Managed identity of the app.')
param appPrincipalId string

@description('Managed identity that stores and reads the deployed package.')
param packagePrincipalId string

@description('Id of the Functions host, which is part of the name of its queue.')
param hostId string

@description('Log Analytics workspace for logs.')
param workspaceId string

@description('Origins whose pages can upload and show files.')
param corsOrigins array

@description('Days until a quarantined file is deleted.')
param quarantineDays int

@description('Days until a large export is deleted.')
param exportDays int

var packageContainerName = 'app-package'
var deadLetterContainerName = 'undelivered-events'
// What the app reads and writes. The host has its locks, timers and keys in the last two; it would create them itself if
// it might create any container.
var appContainerNames = [
  'best-practices'
  'supporting-documents'
  'thumbnails'
  'quarantine'
  'exports'
  'azure-webjobs-hosts'
  'azure-webjobs-secrets'
]
var containerNames = concat(appContainerNames, [packageContainerName, deadLetterContainerName])
// The events of new blobs wait in the first queue, those that failed five times in the second.
var appQueueNames = [
  'azure-webjobs-blobtrigger-${hostId}'
  'webjobs-blobtrigger-poison'
]

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// On the account, because keys for signing belong to the account, and the host asks for the list of the containers.
// Neither can read or write a blob.
var appRolesOnAccount = [
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a' // Storage Blob Delegator
  'acdd72a7-3385-48ef-bd42-f606fba81ae7' // Reader
]

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_35:Browsers upload directly; access needs a token or a signed URL.
  // checkov:skip=CKV_AZURE_59:As above. Anonymous access to blobs is disabled.
  // checkov:skip=CKV_AZURE_206:A parameter: dev needs only one copy, prod uses Standard_GZRS.
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        queue: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    cors: {
      corsRules: empty(corsOrigins) ? [] : [
        {
          allowedOrigins: corsOrigins
          allowedMethods: ['GET', 'HEAD', 'PUT', 'OPTIONS']
          allowedHeaders: ['content-type', 'x-ms-*']
          exposedHeaders: ['etag', 'x-ms-*']
          maxAgeInSeconds: 3600
        }
      ]
    }
    deleteRetentionPolicy: {
      enabled: true
      days: 14
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 14
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = [for containerName in containerNames: {
  parent: blobs
  name: containerName
  properties: {
    publicAccess: 'None'
  }
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-old-quarantine-and-undelivered-events'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['quarantine/', '${deadLetterContainerName}/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: quarantineDays
                }
              }
            }
          }
        }
        {
          name: 'delete-old-exports'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['exports/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: exportDays
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [containers]
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource appQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [for queueName in appQueueNames: {
  parent: queues
  name: queueName
}]

resource appAccessToAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in appRolesOnAccount: {
  name: guid(account.id, appPrincipalId, role)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// appContainerNames come first in containerNames, so the numbers are the same.
resource appAccessToContainers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (containerName, number) in appContainerNames: {
  name: guid(account.id, containerName, appPrincipalId, blobDataContributor)
  scope: containers[number]
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}]

resource appAccessToQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (queueName, number) in appQueueNames: {
  name: guid(account.id, queueName, appPrincipalId, queueDataContributor)
  scope: appQueues[number]
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataContributor)
  }
}]

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: packageContainerName
}

// Azure stores the package with the same identity with which the app reads it.
resource packageAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, packageContainerName, packagePrincipalId, blobDataContributor)
  scope: packageContainer
  properties: {
    principalId: packagePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
  dependsOn: [containers]
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: systemTopicName
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: account.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource deadLetterContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: deadLetterContainerName
}

resource topicAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, topic.id, blobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
  dependsOn: [containers]
}

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output packageContainer string = packageContainerName
output systemTopicId string = topic.id
output systemTopicName string = topic.name
