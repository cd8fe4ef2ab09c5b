"""The names under which browsers save documents."""

import pytest

from adapters.storage.dispositions import attachment


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("Plan 7", "Plan 7.pdf", "Plan%207.pdf"),
        ("Plan.PDF", "Plan.pdf", "Plan.pdf"),
        ("page.html", "page.html.pdf", "page.html.pdf"),
        ('a"; filename=x.exe', "a__ filename_x.exe.pdf", "a_%3B%20filename%3Dx.exe.pdf"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie_ b.pdf", "aSet-Cookie_%20b.pdf"),
        ("..\\../x", ".._.._x.pdf".lstrip("."), "_.._x.pdf"),
        ("\u202efdp.exe", "fdp.exe.pdf", "fdp.exe.pdf"),
        ("नाम", "___.pdf", "%E0%A4%A8%E0%A4%BE%E0%A4%AE.pdf"),
        (" . ", "document.pdf", "document.pdf"),
        ("\ud800", "document.pdf", "document.pdf"),
        ("न" * 300, "_" * 65 + ".pdf", "%E0%A4%A8" * 65 + ".pdf"),
    ],
)
def test_a_document_is_saved_under_its_name_with_its_own_extension(
    name: str, plain: str, encoded: str
) -> None:
    expected = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    assert attachment(name, "pdf") == expected
