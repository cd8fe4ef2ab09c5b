// The key that signs tokens: deployed once at the first deployment, and again to rotate it. By the management
// plane, so that whoever deploys can write the secret and needs no right to read it.
targetScope = 'resourceGroup'

metadata name = 'Secrets'

@description('Name of the vault.')
param vaultName string

@secure()
@minLength(32)
@description('A random text of 32 bytes or more, such as of `openssl rand -base64 48`.')
param jwtSecret string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  // checkov:skip=CKV_AZURE_41:An expiry would stop the portal at some hour; a rotation is planned, for it ends all sessions.
  parent: vault
  name: 'jwt-secret'
  properties: {
    value: jwtSecret
    contentType: 'text/plain'
    attributes: {
      enabled: true
    }
  }
}
