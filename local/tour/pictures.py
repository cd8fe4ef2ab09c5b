"""Real photographs for the tour, as far as a machine can take them."""

import io

from PIL import Image, ImageDraw, ImageFont

SIZE = (1600, 1200)
COLOURS = {"before": (178, 34, 34), "after": (34, 139, 34)}
FRAME = 40
WHITE = (255, 255, 255)
HEADLINE_SIZE, LINE_SIZE = 220, 64


def draw(image_type: str, line: str) -> bytes:
    """Draw a JPEG: red for `before`, green for `after`, with that word and a line of text."""
    image = Image.new("RGB", SIZE, COLOURS[image_type])
    brush = ImageDraw.Draw(image)
    width, height = SIZE
    brush.rectangle((FRAME, FRAME, width - FRAME, height - FRAME), outline=WHITE, width=8)
    for text, size, y in ((image_type.upper(), HEADLINE_SIZE, 0.42), (line, LINE_SIZE, 0.66)):
        font = ImageFont.load_default(size)
        brush.text((width / 2, height * y), text, font=font, fill=WHITE, anchor="mm")
    drawn = io.BytesIO()
    image.save(drawn, "JPEG", quality=88)
    return drawn.getvalue()


def look_at(data: bytes) -> tuple[str, tuple[int, int], str]:
    """Tell a picture's format, its size, and whether it is rather red (`before`) or green (`after`)."""
    with Image.open(io.BytesIO(data)) as image:
        red, green, _ = image.convert("RGB").resize((1, 1)).tobytes()
        return str(image.format), image.size, "before" if red > green else "after"
