"""Reads an exported dataset by the tools it is meant for; runs in the environment ``datasets`` as a script.

``python datasets_reading.py READER FOLDER`` prints JSON: for most readers ``{image: [split, [[class, x1, y1, x2, y2],
...]]}`` in pixels. The tools are imported where they are used, since this file is importable without them.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def pycocotools(folder: Path) -> dict[str, Any]:
    """What COCO finds in every split, and the average precision that COCOeval gives the labels as detections."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found, precision = {}, {}
    for split in ("train", "val", "test"):
        truth = COCO(str(folder / "annotations" / f"instances_{split}.json"))
        names = {one["id"]: one["name"] for one in truth.loadCats(truth.getCatIds())}
        detected = []
        for image in truth.loadImgs(truth.getImgIds()):
            assert (folder / "images" / split / image["file_name"]).is_file()
            boxes = []
            for one in truth.loadAnns(truth.getAnnIds(imgIds=[image["id"]])):
                left, top, width, height = one["bbox"]
                boxes.append([names[one["category_id"]], left, top, left + width, top + height])
                detected.append({**{key: one[key] for key in ("image_id", "category_id", "bbox")}, "score": 0.9})
            found[Path(image["file_name"]).stem] = [split, boxes]
        if detected:
            evaluation = COCOeval(truth, truth.loadRes(detected), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            precision[split] = evaluation.stats[0]
    return {"found": found, "precision": precision}


def datumaro(kind: str, folder: Path) -> dict[str, Any]:
    """What Datumaro finds, each image opened."""
    from datumaro import AnnotationType, Dataset

    data = Dataset.import_from(str(folder), kind)
    names = [one.name for one in data.categories()[AnnotationType.label]]
    found = {}
    for one in data:
        boxes = []
        for shape in one.annotations:
            if shape.type == AnnotationType.bbox:
                left, top, right, bottom = shape.points
                boxes.append([names[shape.label], left, top, right, bottom])
        assert one.media.data.ndim == 3
        found[Path(one.id).name] = [one.subset, boxes]
    return {"found": found, "names": names}


def label_studio(folder: Path) -> dict[str, Any]:
    """What the converter makes of the tasks, in COCO, YOLO and VOC; images are found as Label Studio finds them."""
    import os
    import xml.etree.ElementTree as ET

    os.environ["LOCAL_FILES_DOCUMENT_ROOT"] = str(folder)
    from label_studio_sdk.converter import Converter

    converter = Converter(str(folder / "config.xml"), str(folder), download_resources=False)
    tasks = str(folder / "tasks.json")
    made = {}
    with tempfile.TemporaryDirectory() as name:
        target = Path(name)
        converter.convert_to_coco(tasks, str(target / "coco"), is_dir=False)
        coco = json.loads((target / "coco" / "result.json").read_text())
        converter.convert_to_yolo(tasks, str(target / "yolo"), is_dir=False)
        yolo = {path.stem: path.read_text() for path in (target / "yolo" / "labels").glob("*.txt")}
        classes = (target / "yolo" / "classes.txt").read_text()
        converter.convert_to_voc(tasks, str(target / "voc"), is_dir=False)
        voc = {}
        for path in (target / "voc" / "Annotations").glob("*.xml"):
            voc[path.stem] = [
                [one.findtext("name"), *(one.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))]
                for one in ET.parse(path).iter("object")
            ]
        made = {"coco": coco, "yolo": yolo, "classes": classes, "voc": voc}
    return made


def main(reader: str, folder: Path) -> None:
    with contextlib.redirect_stdout(sys.stderr):  # the tools talk
        if reader == "pycocotools":
            found = pycocotools(folder)
        elif reader == "label_studio":
            found = label_studio(folder)
        else:
            found = datumaro(reader, folder)
    print(json.dumps(found, default=lambda value: value.tolist() if isinstance(value, np.generic) else str(value)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
