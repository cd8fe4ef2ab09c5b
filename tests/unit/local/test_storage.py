"""The storage account of a local portal."""

import pytest

from local.errors import SetupError
from local.storage import prepare_storage


def test_a_storage_account_in_azure_is_refused() -> None:
    account = (
        "DefaultEndpointsProtocol=https;AccountName=amber;AccountKey=cGVwcGVy;EndpointSuffix=core.windows.net"
    )
    with pytest.raises(
        SetupError, match="AzureWebJobsStorage must be the connection string of Azurite"
    ) as refused:
        prepare_storage(account, [])
    assert "cGVwcGVy" not in str(refused.value)
