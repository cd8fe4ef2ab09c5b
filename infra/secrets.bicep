// The token signing key: deployed at the first deployment, and again to rotate the key. It uses the management
// plane, so the deployer can write the secret without permission to read secrets.
targetScope = 'resourceGroup'

metadata name = 'Secrets'

@description('Name of the vault.')
param vaultName string

@secure()
@minLength(32)
@description('A random string of at least 32 bytes, for example from `openssl rand -base64 48`.')
param jwtSecret string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  // checkov:skip=CKV_AZURE_41:An expired key would stop the portal. Rotation is a planned step, because it ends all sessions.
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
