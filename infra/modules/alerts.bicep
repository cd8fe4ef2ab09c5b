// What somebody is told about. Each alert names the page of the runbook by its own name.
metadata name = 'Alerts'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the action group.')
param actionGroupName string

@description('Addresses that alerts are sent to.')
param emails array

@description('Workspace with the telemetry.')
param workspaceId string

@description('Database server.')
param databaseId string

@description('Connections that the server takes.')
param databaseConnections int

@description('Event Grid topic of the storage account.')
param systemTopicId string

@minValue(1)
@maxValue(100)
@description('Per cent of answers that may be 5xx in a quarter of an hour.')
param serverErrorPercent int = 2

@minValue(1)
@maxValue(100)
@description('Per cent of the server\'s connections that may be in use.')
param connectionPercent int = 80

var logAlerts = [
  {
    name: 'server-errors'
    description: 'More than ${serverErrorPercent} per cent of the answers were 5xx, of 20 or more in 15 minutes.'
    severity: 1
    query: 'AppRequests | where isnotempty(Url) | summarize answers = count(), errors = countif(toint(ResultCode) >= 500) | where answers >= 20 and errors * 100.0 / answers > ${serverErrorPercent}'
  }
  {
    name: 'failed-jobs'
    description: 'A timer or a blob trigger failed, or a job found something wrong.'
    severity: 2
    query: 'union (AppRequests | where isempty(Url) and Success == false), (AppTraces | where Message has "job_finished" and Message has "failed")'
  }
  {
    name: 'poison-queue'
    description: 'An upload could not be recorded in five tries; the nightly comparison tries again.'
    severity: 2
    query: 'AppTraces | where Message has "webjobs-blobtrigger-poison"'
  }
  {
    name: 'stolen-sessions'
    description: 'A refresh token was used twice: the session was ended as stolen.'
    severity: 2
    query: 'AppTraces | where Message has "refresh_token_reused"'
  }
]

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'portal'
    enabled: true
    emailReceivers: [for (address, number) in emails: {
      name: 'address-${number}'
      emailAddress: address
      useCommonAlertSchema: true
    }]
  }
}

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in logAlerts: {
  name: alert.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alert.name
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    // The tables are there only once something was written to them.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: [actions.id]
    }
  }
}]

resource connections 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'database-connections'
  location: 'global'
  tags: tags
  properties: {
    description: 'More than ${connectionPercent} per cent of the database\'s connections are in use.'
    severity: 1
    enabled: true
    scopes: [databaseId]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'connections'
          metricNamespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
          metricName: 'active_connections'
          operator: 'GreaterThan'
          threshold: databaseConnections * connectionPercent / 100
          timeAggregation: 'Maximum'
        }
      ]
    }
    actions: [
      {
        actionGroupId: actions.id
      }
    ]
  }
}

resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'undelivered-events'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid gave up an event of an upload; the nightly comparison finds the file.'
    severity: 3
    enabled: true
    scopes: [systemTopicId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dead-letters'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [
      {
        actionGroupId: actions.id
      }
    ]
  }
}
