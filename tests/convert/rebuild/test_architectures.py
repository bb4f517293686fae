"""Architectures are plug-ins, found by the type of config that they build; families are imported when needed."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.rebuild.architecture import ARCHITECTURES, Architecture, RebuildPlan, architecture_of
from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import ImageResizer, Ssd
from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.odapi.family import families, preset
from detlite.runtime.errors import ContractError, InputError, UnknownNameError
from detlite.runtime.plugins import load_plugins


@pytest.mark.parametrize("kind", [Ssd, CenterNet, FasterRcnn])
def test_each_type_of_config_has_one_architecture(kind):
    found = [one for one in load_plugins(ARCHITECTURES).values() if issubclass(kind, one.reads)]
    assert len(found) == 1
    assert found[0].title


def test_a_preset_is_built_by_the_architecture_of_its_config():
    for family in families():
        for config in family.presets.values():
            assert isinstance(config, architecture_of(config).reads)


def test_a_pad_value_of_two_channels_is_refused():
    resizer = ImageResizer(64, 64, keeps_aspect=True, pads=True, pad_value=(9.0, 8.0))
    plan = RebuildPlan(FasterRcnn(3, "faster_rcnn_resnet50", resizer), "p.config")
    built = BuiltNetwork(None, (), 0, 0)
    with pytest.raises(ContractError, match=r"a pad value of \(9.0, 8.0\): want three numbers"):
        architecture_of(plan.model).contract(plan, DetectorOptions(), (64, 64), built)


@pytest.mark.parametrize("asked", [NmsOptions(kind="fast"), NmsOptions(max_classes_per_detection=2)])
def test_a_two_stage_detector_refuses_nms_over_all_classes(asked):
    model = FasterRcnn(3, "faster_rcnn_resnet50")
    suppressing = architecture_of(model).suppressing
    assert suppressing is not None
    with pytest.raises(InputError, match="NMS of a two-stage detector is regular: leave out --nms fast and --classes"):
        suppressing(model, DetectorOptions(nms=asked))


def test_a_preset_that_nobody_has_is_answered_with_all_there_are():
    known = "the presets are centernet_.*, ssd_resnet34, "
    with pytest.raises(UnknownNameError, match=f"no preset is called 'x'; .*{known}"):
        preset("x")


def test_no_two_families_have_one_feature_extractor_or_preset():
    names = [
        name
        for family in families()
        for part in (family.extractors, family.center_nets, family.two_stage)
        for name in part
    ]
    presets = [name for family in families() for name in family.presets]
    assert len(set(names)) == len(names)
    assert len(set(presets)) == len(presets)


@dataclass(frozen=True)
class OtherConfig:
    """The config of a network that detlite does not know."""

    classes: int = 1


def test_a_new_architecture_is_one_file(tmp_path, monkeypatch):
    import detlite.convert.rebuild.architectures as package

    (tmp_path / "pretended.py").write_text(
        "from test_architectures import OtherConfig\n"
        "from detlite.convert.rebuild.architecture import Architecture\n"
        "PLUGIN = Architecture(title='Pretended', reads=OtherConfig, build=print, contract=print)\n"
    )
    monkeypatch.setitem(sys.modules, "test_architectures", sys.modules[__name__])
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    found = architecture_of(OtherConfig())
    assert isinstance(found, Architecture)
    assert found.title == "Pretended"


def test_a_family_is_found_without_importing_the_others():
    code = (
        "import sys; from detlite.convert.rebuild.odapi.family import family_of_extractor\n"
        "print(family_of_extractor('ssd_mobilenet_v1', 0, 'a test')[0].title)\n"
        "print(*(name.rsplit('.', 1)[1] for name in sys.modules if '.odapi.families.' in name))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    title, imported = said.splitlines()
    assert title == "SSD MobileNet V1"
    assert "spaghettinet" not in imported.split()
    assert "mobilenet_v1" in imported.split()
