"""`evaluate`, `predict`, `report` and `benchmark`."""

from __future__ import annotations

from . import options

_SUBJECT = "a run folder, a .keras or .tflite file, or published weights: a tag or a file"


def _evaluate(arguments) -> None:
    from keras_inception.evaluation import accuracy

    scores = accuracy.evaluate(
        arguments.subjects,
        data=arguments.data,
        images=arguments.images,
        labels=arguments.labels,
        classes=arguments.classes,
        preprocessing=arguments.preprocessing,
        crops=arguments.crops,
        short_side=arguments.short_side,
    )
    print(f"{' + '.join(arguments.subjects)}: {scores}")


def _predict(arguments) -> None:
    from keras_inception.evaluation.prediction import predict

    answers = predict(
        arguments.weights,
        photographs=arguments.photographs,
        classes=arguments.classes,
        preprocessing=arguments.preprocessing,
        crops=arguments.crops,
        top=arguments.top,
    )
    for path, best in zip(arguments.photographs, answers, strict=True):
        print(path)
        for name, score in best:
            print(f"  {score:.4f}  {name}")


def _report(arguments) -> None:
    from keras_inception.evaluation.run_report import report

    print(report(arguments.folder))


def _benchmark(arguments) -> None:
    from keras_inception.tflite.benchmarking import adb_benchmark, latency

    from ..files import write_json

    measure = adb_benchmark.benchmark if arguments.adb else latency.benchmark
    measured = measure(arguments.files, arguments.threads, arguments.runs)
    if arguments.json:
        write_json(arguments.json, measured)
    print(latency.table(measured))


def _not_all_files(subjects: list[str]) -> bool:
    """LiteRT runs `.tflite` files alone: a framework would take seconds to start, for nothing."""
    return not all(subject.endswith(".tflite") for subject in subjects)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _add_crops(parser) -> None:
    parser.add_argument(
        "--crops",
        type=int,
        default=1,
        metavar="1|10|12|144",
        help="views of each photograph that are averaged, as in the papers (default 1: the centre)",
    )


def add(commands) -> None:
    evaluate = commands.add_parser(
        "evaluate", help="top-1, top-5 and loss; of the average, if several are named"
    )
    evaluate.add_argument("subjects", nargs="+", metavar="SUBJECT", help=_SUBJECT)
    evaluate.add_argument("--data", help="as for train; default: the data it was trained on")
    evaluate.add_argument(
        "--images", metavar="DIR", help="evaluate on every photograph in a folder instead"
    )
    evaluate.add_argument(
        "--labels", metavar="FILE", help="lines of file name and class; default: sub-folders"
    )
    evaluate.add_argument(
        "--short-side", type=int, metavar="PIXELS", help="scale to this before cropping the centre"
    )
    _add_crops(evaluate)
    options.add_preprocessing(evaluate)
    options.add_classes(evaluate)
    evaluate.set_defaults(
        command=_evaluate, needs_frameworks=lambda arguments: _not_all_files(arguments.subjects)
    )
    predict = commands.add_parser("predict", help="the classes of photographs, by name")
    predict.add_argument("photographs", nargs="+", metavar="PHOTO")
    predict.add_argument("--weights", required=True, metavar="SUBJECT", help=_SUBJECT)
    predict.add_argument("--top", type=int, default=5, help="how many classes (default 5)")
    _add_crops(predict)
    options.add_preprocessing(predict)
    options.add_classes(predict)
    predict.set_defaults(
        command=_predict, needs_frameworks=lambda arguments: _not_all_files([arguments.weights])
    )
    report = commands.add_parser("report", help="accuracy, size and latency of every file of a run")
    report.add_argument("folder", metavar="RUN", help="a run folder")
    report.set_defaults(command=_report)
    benchmark = commands.add_parser(
        "benchmark", help="latency, memory, size and operators of .tflite files"
    )
    benchmark.add_argument("files", nargs="+", metavar="FILE", help="a .tflite file")
    benchmark.add_argument(
        "--threads", type=_numbers, default=[1], metavar="1,2", help="numbers of threads"
    )
    benchmark.add_argument("--runs", type=int, default=200, help="images each (default 200)")
    benchmark.add_argument("--json", metavar="OUT", help="write the measurements to this file too")
    benchmark.add_argument(
        "--adb", action="store_true", help="on the phone that adb reaches, by its benchmark_model"
    )
    benchmark.set_defaults(command=_benchmark, needs_frameworks=options.never)
