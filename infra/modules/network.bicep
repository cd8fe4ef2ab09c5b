// A private network with two subnets: outgoing connections of the app, and private endpoints.
metadata name = 'Network'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the network.')
param name string

@description('Prefix for the names of security groups.')
param securityGroupPrefix string

@description('Address range of the network, a /23 or larger: the first /24 is for the app, the second for endpoints.')
param addressPrefix string

// Each instance uses one address. Azure needs at least a /27; a /24 has room for 250 instances.
resource appGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${securityGroupPrefix}app-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: []
  }
}

resource endpointGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${securityGroupPrefix}endpoints-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: []
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          networkSecurityGroup: {
            id: appGroup.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
          networkSecurityGroup: {
            id: endpointGroup.id
          }
        }
      }
    ]
  }
}

output id string = network.id
output appSubnetId string = resourceId('Microsoft.Network/virtualNetworks/subnets', network.name, 'app')
output endpointSubnetId string = resourceId('Microsoft.Network/virtualNetworks/subnets', network.name, 'endpoints')
