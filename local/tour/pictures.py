"""Draws the photographs that the tour uploads, and inspects their thumbnails."""

import io

from PIL import Image, ImageDraw, ImageFont

SIZE = (1600, 1200)
COLOURS = {"before": (178, 34, 34), "after": (34, 139, 34)}
FRAME = 40
WHITE = (255, 255, 255)
HEADLINE_SIZE, LINE_SIZE = 220, 64


def draw_photograph(image_type: str, caption: str) -> bytes:
    """Draw a JPEG, red for `before` and green for `after`, with that word and a caption."""
    image = Image.new("RGB", SIZE, COLOURS[image_type])
    canvas = ImageDraw.Draw(image)
    width, height = SIZE
    canvas.rectangle((FRAME, FRAME, width - FRAME, height - FRAME), outline=WHITE, width=8)
    for text, size, y in ((image_type.upper(), HEADLINE_SIZE, 0.42), (caption, LINE_SIZE, 0.66)):
        font = ImageFont.load_default(size)
        canvas.text((width / 2, height * y), text, font=font, fill=WHITE, anchor="mm")
    output = io.BytesIO()
    image.save(output, "JPEG", quality=88)
    return output.getvalue()


def inspect_picture(data: bytes) -> tuple[str, tuple[int, int], str]:
    """The format and size of a picture, and `before` if it is mostly red or `after` if mostly green."""
    with Image.open(io.BytesIO(data)) as image:
        red, green, _ = image.convert("RGB").resize((1, 1)).tobytes()
        return str(image.format), image.size, "before" if red > green else "after"
