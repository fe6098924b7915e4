"""Records a parquet file as the Hugging Face hub keeps data sets of pictures, into picture-table.json.

The pictures are patterns, pixel (y, x) of picture k being (9 x + 5 y + 31 k) mod 256, in several kinds of PNG.
python test/reference/picture-table.py (pyarrow, pillow)
"""
import base64
import io
import json
import pathlib

import numpy as np
import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def pattern(k, size=28):
    y, x = np.mgrid[:size, :size]
    return ((9 * x + 5 * y + 31 * k) % 256).astype(np.uint8)


def png(image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def table(pictures, labels, compression="snappy"):
    image = pa.array(
        [{"bytes": p, "path": None} for p in pictures], type=pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    out = io.BytesIO()
    pq.write_table(pa.table({"image": image, "label": pa.array(labels, pa.int64())}), out, compression=compression)
    return base64.b64encode(out.getvalue()).decode()


grey = [png(Image.fromarray(pattern(k)), optimize=k % 2 == 1) for k in range(6)]
kinds = [
    png(Image.fromarray(pattern(0))),
    png(Image.fromarray(np.stack([pattern(1)] * 3, -1))),
    png(Image.fromarray(pattern(2)).convert("P")),
    png(Image.fromarray(pattern(3)), compress_level=0),
]
labels = [3, 0, 9, 1, 1, 4]
out = {
    "made": {"by": "test/reference/picture-table.py", "pyarrow": pa.__version__, "pillow": PIL.__version__},
    "labels": labels,
    "grey": table(grey, labels),
    "kinds": table(kinds, [0, 1, 2, 3]),
    "sizes": table([grey[0], png(Image.fromarray(pattern(0, 20)))], [0, 1]),
    "broken": table([grey[0], grey[1][:60]], [0, 1]),
    "wrongLabel": table(grey[:2], [0, 11]),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
