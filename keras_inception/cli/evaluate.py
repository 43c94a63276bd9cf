"""`evaluate`, `predict`, `report` and `benchmark`."""

from __future__ import annotations

import logging

from . import options

log = logging.getLogger(__name__)

_SUBJECT = "a run folder, a .keras, .h5 or .tflite file, or published weights: a tag or a file"
_OPENED = ("classes", "image_size", "kind", "head", "trust")
_VIEWS = (*_OPENED, "preprocessing", "crops")


def _evaluate(arguments) -> None:
    """top-1, top-5 and loss; of the average, if several are named"""
    from keras_inception.evaluation import accuracy

    names = ("data", "images", "labels", "short_side", "classes_map", *_VIEWS)
    scores = accuracy.evaluate(arguments.subjects, **options.given(arguments, *names))
    options.say(f"{' + '.join(arguments.subjects)}: {scores}")


def _predict(arguments) -> int:
    """the classes of photographs, by name; exit status 2 if one of them cannot be read"""
    from keras_inception.evaluation.classifier import open_classifier
    from keras_inception.evaluation.prediction import by_each_preprocessing, predict
    from keras_inception.images import Unreadable

    how = options.given(arguments, *_OPENED)
    top, shown = arguments.top, arguments.preprocessing
    auto = shown == "auto"
    if auto:
        opened, top = by_each_preprocessing(arguments.weights, **how), 1
    else:
        opened = {"": open_classifier(arguments.weights, preprocessing=shown, **how)}
    failed = 0
    for path in arguments.photographs:
        try:
            best = {
                by: predict(each, photographs=path, top=top, crops=arguments.crops)[0]
                for by, each in opened.items()
            }
        except Unreadable as error:
            failed += 1
            log.warning("left out: %s", error)
            continue
        options.say(path)
        for by, found in best.items():
            for name, score in found:
                options.say(f"  {f'{by:<16}' if auto else ''}{score:.4f}  {name}")
    if failed:
        log.warning("%d of %d photographs could not be read", failed, len(arguments.photographs))
    return 2 if failed else 0


def _report(arguments) -> None:
    """accuracy, size and latency of every file of a run"""
    from keras_inception.evaluation.run_report import report

    options.say(report(arguments.folder, trust=arguments.trust))


def _benchmark(arguments) -> None:
    """latency, memory, size and operators of .tflite files"""
    from keras_inception.tflite.benchmarking import adb_benchmark, latency

    from ..files import write_json

    measure = adb_benchmark.benchmark if arguments.adb else latency.benchmark
    measured = measure(arguments.files, arguments.threads, arguments.runs)
    if arguments.json:
        write_json(arguments.json, measured)
    options.say(latency.table(measured))


def _not_all_files(subjects: list[str]) -> bool:
    """LiteRT runs `.tflite` files alone: a framework would take seconds to start, for nothing."""
    return not all(subject.endswith(".tflite") for subject in subjects)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _add_views(parser, auto: str = "") -> None:
    """What becomes of a photograph, and of what comes out."""
    parser.add_argument(
        "--crops",
        type=int,
        default=1,
        metavar="1|10|12|144",
        help="views of each photograph that are averaged, as in the papers (default 1: the centre)",
    )
    options.add_preprocessing(parser, auto)
    options.add_classes(parser)
    options.add_kind(parser)
    options.add_trust(parser)


def add(commands) -> None:
    evaluate = options.add_command(
        commands, _evaluate, lambda arguments: _not_all_files(arguments.subjects)
    )
    option = evaluate.add_argument
    option("subjects", nargs="+", metavar="SUBJECT", help=_SUBJECT)
    option("--data", help="as for train; default: the data it was trained on")
    option("--images", metavar="DIR", help="evaluate on every photograph in a folder instead")
    option("--labels", metavar="FILE", help="lines of file name and class; default: sub-folders")
    option(
        "--short-side", type=int, metavar="PIXELS", help="scale to this before cropping the centre"
    )
    options.add_classes_map(evaluate)
    _add_views(evaluate)
    predict = options.add_command(
        commands, _predict, lambda arguments: _not_all_files([arguments.weights])
    )
    option = predict.add_argument
    option("photographs", nargs="+", metavar="PHOTO")
    option("--weights", required=True, metavar="SUBJECT", help=_SUBJECT)
    option("--top", type=int, default=5, help="how many classes (default 5)")
    _add_views(predict, "; auto: show the first class by each of these")
    report = options.add_command(commands, _report)
    report.add_argument("folder", metavar="RUN", help="a run folder")
    options.add_trust(report)
    benchmark = options.add_command(commands, _benchmark, options.never)
    option = benchmark.add_argument
    option("files", nargs="+", metavar="FILE", help="a .tflite file")
    option("--threads", type=_numbers, default=[1], metavar="1,2", help="numbers of threads")
    option("--runs", type=int, default=200, help="images each (default 200)")
    option("--json", metavar="OUT", help="write the measurements to this file too")
    option(
        "--adb", action="store_true", help="on the phone that adb reaches, by its benchmark_model"
    )
