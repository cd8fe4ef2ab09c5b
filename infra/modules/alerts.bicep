// Alerts. The runbook in docs/deployment.md has a section for each alert, with the same name.
metadata name = 'Alerts'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the action group.')
param actionGroupName string

@description('E-mail addresses for alerts.')
param emails array

@description('Workspace with the telemetry.')
param workspaceId string

@description('Database server.')
param databaseId string

@description('Maximum number of connections of the server.')
param databaseConnections int

@description('Event Grid topic of the storage account.')
param systemTopicId string

@minValue(1)
@maxValue(100)
@description('Maximum percentage of 5xx responses in 15 minutes.')
param serverErrorPercent int = 2

@minValue(1)
@maxValue(100)
@description('Maximum percentage of the server\'s connections in use.')
param connectionPercent int = 80

var logAlerts = [
  {
    name: 'server-errors'
    description: 'More than ${serverErrorPercent} per cent of at least 20 responses in 15 minutes were 5xx.'
    severity: 1
    query: 'AppRequests | where isnotempty(Url) | summarize answers = count(), errors = countif(toint(ResultCode) >= 500) | where answers >= 20 and errors * 100.0 / answers > ${serverErrorPercent}'
  }
  {
    name: 'failed-jobs'
    description: 'A timer or a blob trigger failed, or a job found wrong data.'
    severity: 2
    query: 'union (AppRequests | where isempty(Url) and Success == false), (AppTraces | where Message has "job_finished" and Message has "failed")'
  }
  {
    name: 'poison-queue'
    description: 'Recording an upload failed five times; the nightly job tries again.'
    severity: 2
    query: 'AppTraces | where Message has "webjobs-blobtrigger-poison"'
  }
  {
    name: 'stolen-sessions'
    description: 'A refresh token was used twice; the session was ended because the token may be stolen.'
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
    // The log tables exist only after the first entry.
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
    description: 'Event Grid could not deliver an upload event; the nightly job finds the file.'
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
