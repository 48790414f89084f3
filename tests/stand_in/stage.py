"""Stands in for every stage script where only DVC's decisions are under test: writes each declared out as
a hash of what the stage declares to read, in a tenth of a second."""

import hashlib
import json
import re
from pathlib import Path

import yaml

stage = Path(__file__).stem
params, pipeline = (yaml.load(Path(name).read_text(), Loader=yaml.CSafeLoader) for name in ("params.yaml", "dvc.yaml"))
declared = pipeline["stages"][stage]


def path(dep: str) -> Path:
    return Path(re.sub(r"\$\{(\w+)\.(\w+)\}", lambda m: params[m[1]][m[2]], dep))


def files(place: Path) -> list[Path]:
    return (
        [place]
        if place.is_file()
        else sorted(p for p in place.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    )


read = hashlib.sha256(json.dumps([params[section] for section in declared["params"]]).encode())
for dep in declared["deps"]:
    for file in files(path(dep)):
        read.update(str(file).encode() + b"\0" + file.read_bytes())

for kind in ("outs", "metrics", "plots"):
    for out in declared.get(kind, []):
        place = Path(out if isinstance(out, str) else next(iter(out)))
        file = place / "model.safetensors" if str(place) == "data/student" else place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"read": read.hexdigest()}))
