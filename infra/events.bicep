// Event Grid subscriptions that notify the app of uploads. Deployed after the code: the host creates the key in the
// endpoint URL when it first runs the code, and Event Grid validates the endpoint.
targetScope = 'resourceGroup'

metadata name = 'Events'

@description('Name of the Function App.')
param appName string

@description('Name of the storage account.')
param storageAccountName string

@description('Name of the storage account\'s Event Grid topic.')
param systemTopicName string

// The paths of the triggers in functions/blob_triggers.py. tests/repository/test_infra.py compares them.
var triggers = [
  {
    function: 'record_upload'
    container: 'best-practices'
    folder: 'practices'
  }
  {
    function: 'record_document'
    container: 'supporting-documents'
    folder: 'documents'
  }
]

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource subscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for trigger in triggers: {
  parent: topic
  name: replace(trigger.function, '_', '-')
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.${trigger.function}&code=${listKeys('${app.id}/host/default', '2024-11-01').systemKeys.blobs_extension}'
        maxEventsPerBatch: 1
      }
    }
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${trigger.container}/blobs/${trigger.folder}/'
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: account.id
          blobContainerName: 'undelivered-events'
        }
      }
    }
  }
}]
