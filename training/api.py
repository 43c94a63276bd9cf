"""Training from Python: what `keras_inception.training` offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .recipes.published import NAMED
from .recipes.recipe import Recipe, recipe_for

if TYPE_CHECKING:
    from .run.run_folder import Run


def list_recipes() -> list[str]:
    """The names of the published recipes, and of ours, that `recipe` takes.

    >>> from keras_inception.training import list_recipes
    >>> "finetune" in list_recipes()
    True
    """
    return list(NAMED)


def recipe(data: str, **options: Any) -> Recipe:
    """Everything that decides the outcome of a run, as a value.

    data: where the images come from: "digits", "fashion_mnist", or "folder:DIR" with a sub-folder
        of photographs for each class; `recipes.DATA` lists the others.
    options: fields of `Recipe`, which are the options of `keras-inception train`: network, epochs,
        image_size, width, weights ... and recipe, a name in `list_recipes`, whose values go over
        those for the data.

    Raises BadInput for a field that there is not, or a value that it cannot have.

    >>> from keras_inception.training import recipe
    >>> recipe("folder:photos", image_size=64).epochs
    40
    """
    return recipe_for(data, **options)


def train(
    data: str | Recipe,
    *,
    run: str | Path,
    histograms: bool = False,
    profile: bool = False,
    **options: Any,
) -> Run:
    """Train a network, and leave everything that came of it in the new folder `run`.

    data, options: as for `recipe`; or a Recipe that is made already.
    histograms, profile: show the weights' distributions, and a profile of a few steps, in
        TensorBoard.

    Gives the run: `run.result` has its accuracy and loss on the test images, `run.model` is
    the path of the trained network; it stands for its folder wherever one is taken. Interrupted,
    it is continued by `resume`. Raises BadInput for a folder that holds something, and for images
    or options that cannot be used.

    >>> from keras_inception.training import train
    >>> run = train("folder:photos", run="runs/hands", epochs=40)  # doctest: +SKIP
    >>> run.result["top1"]  # doctest: +SKIP
    0.9903
    """
    from .fit import start
    from .tensorboard.board import BoardOptions

    chosen = data if isinstance(data, Recipe) else recipe(data, **options)
    return start(chosen, run, BoardOptions(histograms, profile))


def resume(run: str | Path | Run, *, histograms: bool = False, profile: bool = False) -> Run:
    """Continue the run in the folder `run` after its last finished epoch, as if uninterrupted.

    histograms, profile: as for `train`.

    Raises BadInput if there is no run, or if its images are no longer the same.

    >>> from keras_inception.training import resume
    >>> run = resume("runs/hands")  # doctest: +SKIP
    """
    from .fit import resume as resume_run
    from .tensorboard.board import BoardOptions

    return resume_run(run, BoardOptions(histograms, profile))
