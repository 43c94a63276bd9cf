"""The tables on the command line: instant, true, and honest about the papers."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from keras_inception import cli, table
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.networks.predecessors import PREDECESSORS
from keras_inception.transform import map_rows


def test_printing_the_family_imports_no_framework():
    code = (
        "import sys; from keras_inception import cli; cli.main(['table']);"
        "print(*{'tensorflow', 'keras', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert all(name in done.stdout for name in FAMILY)


def test_the_predecessors_have_their_published_sizes():
    """LeCun 1998, Krizhevsky 2012 ("60 million"), the NiN release, Simonyan 2014 ("138M")."""
    parameters = {net.name: net.parameters for net in PREDECESSORS}
    assert parameters["lenet_5"] == 61_706
    assert parameters["alexnet"] == 60_965_224
    assert round(parameters["nin"] / 1e6, 1) == 7.6
    assert parameters["vgg_16"] == 138_357_544
    macs = {net.name: net.macs for net in PREDECESSORS}
    assert macs["vgg_16"] == 15_470_264_320


def test_table_1_marks_what_does_not_follow_from_its_widths():
    marked = {line.split()[0] for line in table.network("googlenet").splitlines() if "K *" in line}
    blocks = {"inception_4a", "inception_4c", "inception_4d", "inception_4e"}
    assert marked == blocks | {"inception_5a", "inception_5b", "conv1_7x7_s2"}
    ops = {line.split()[0] for line in table.network("googlenet").splitlines() if "M *" in line}
    assert ops == {"conv1_7x7_s2", "inception_5a"}


def test_a_block_beside_plain_convolutions():
    """The lecture's figures: 0.16 M weights and 128 M multiply-adds; 120 M against 12.4 M."""
    text = table.compare("3a")
    for figure in ("163,328", "128,049,152", "2.7x", "7.5x", "120,422,400", "12,443,648"):
        assert figure in text


@pytest.mark.parametrize("wrong", [lambda: table.network("vgg"), lambda: table.compare("9z")])
def test_what_is_not_there(wrong):
    with pytest.raises(BadInput, match=r"one of googlenet|one of 3a"):
        wrong()


def test_the_page_of_the_networks_is_up_to_date():
    page = Path(__file__).resolve().parents[1] / "docs" / "networks.md"
    assert page.read_text() == table.page(), "run `make docs`"


@pytest.mark.parametrize("name", FAMILY)
def test_a_plot_shows_every_layer_of_the_network(name, tmp_path, capsys):
    path = tmp_path / "net.svg"
    assert cli.main(["table", name, "--plot", str(path)]) == 0
    drawn = ElementTree.parse(path).getroot()
    titles = {title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")}
    named = set()

    def note(row):
        named.add(row.name)
        return row

    map_rows(FAMILY[name].rows + FAMILY[name].top, note)
    texts = " ".join(text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert {n for n in named if n not in titles and n not in texts} == set()
