"""One image through INT8 GoogLeNet on one thread: our files, ONNX Runtime, OpenVINO, torchvision.

    python benchmarks/int8_peers.py

224x224, batch 1, random weights. Every contender is a process of its own that waits while another
has its turn of a few images. ONNX Runtime and OpenVINO get the paper's network, quantized by their
own tools per channel; torchvision's own has 3x3 kernels in place of the 5x5, and so fewer
multiply-adds. Ours takes raw pixels and gives probabilities, theirs take floats and give logits.
Where other programs share the processor, the fastest image says more than the median.
Needs `pip install torch onnx onnxruntime openvino nncf` and `pip install --no-deps torchvision`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

IMAGES, TURNS, TRIES = 10, 40, 4
OURS = ("ours, batch normalization", "ours, integer LRN")


def ours(name: str):
    """A function that classifies an image, and one that tells milliseconds by operator."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from functools import partial

    import keras
    import numpy as np

    from keras_inception.builder import build
    from keras_inception.networks.googlenet import GOOGLENET
    from keras_inception.preprocess import Preprocessing
    from keras_inception.tflite import exporting
    from keras_inception.tflite.benchmarking import operator_timing
    from keras_inception.tflite.file.graph import Graph
    from keras_inception.tflite.file.interpreter import File
    from keras_inception.tflite.source import open_source
    from keras_inception.transform import with_norm, without_aux
    from keras_inception.weights.presets import CAFFE

    normalized = name == OURS[0]
    net = without_aux(GOOGLENET)
    model = build(with_norm(net, "batch") if normalized else net, keras)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(
            model,
            preprocessing=Preprocessing() if normalized else CAFFE,
            classes=[str(n) for n in range(net.classes)],
            out=folder,
            images=pixels,
        )
        content = exporting.export(source, scheme="int8").path.read_bytes()

    def by_operator():
        return {
            f"{kind.operator} ({kind.count})": kind.milliseconds
            for kind in operator_timing.by_time(Graph.read(content), 50)
        }

    return partial(File(content).seconds, 1), by_operator


def torch_model(published: bool):
    """torchvision's GoogLeNet in float, as it is or with the paper's 5x5 kernels, and an image."""
    import torch

    # Its compiled operators are for detection, and not loadable beside every torch.
    torch.library.register_fake = lambda *_, **__: lambda f: f
    from torchvision.models.googlenet import Inception
    from torchvision.models.quantization import googlenet

    torch.set_num_threads(1)
    model = googlenet(aux_logits=False, init_weights=False).eval()
    for block in () if published else filter(lambda m: isinstance(m, Inception), model.modules()):
        conv = block.branch3[1].conv
        block.branch3[1].conv = torch.nn.Conv2d(
            conv.in_channels, conv.out_channels, 5, padding=2, bias=False
        )
    return model, torch.randn(1, 3, 224, 224)


def torchvision(name: str):
    import torch

    model, image = torch_model(published=True)
    torch.backends.quantized.engine = "x86"
    model.fuse_model(is_qat=False)
    model.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    torch.ao.quantization.prepare(model, inplace=True)
    with torch.inference_mode():
        model(image)
        torch.ao.quantization.convert(model, inplace=True)
        if "traced" in name:
            model = torch.jit.freeze(torch.jit.trace(model, image))

    def classify():
        with torch.inference_mode():
            model(image)

    return classify, None


def onnx_runtime(name: str):
    import onnxruntime
    import torch
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model, image = torch_model(published=False)
    feed = {"image": image.numpy()}

    class Once(CalibrationDataReader):
        images = iter([feed])

        def get_next(self):
            return next(self.images, None)

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{kind}.onnx")) for kind in ("float", "folded", "int8")]
        # With signed activations it took 1.8 times as long.
        torch.onnx.export(model, image, paths[0], input_names=["image"], dynamo=False)
        quant_pre_process(paths[0], paths[1])
        quantize_static(
            paths[1], paths[2], Once(), per_channel=True, activation_type=QuantType.QUInt8
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(paths[2], options, ["CPUExecutionProvider"])
    return lambda: session.run(None, feed), None


def openvino(name: str):
    import nncf
    import openvino

    model, image = torch_model(published=False)
    converted = openvino.convert_model(model, example_input=image, input=[1, 3, 224, 224])
    image = image.numpy()
    quantized = nncf.quantize(converted, nncf.Dataset([image]), subset_size=1)
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}

    def request(**more):
        compiled = openvino.Core().compile_model(quantized, "CPU", {**settings, **more})
        return compiled.create_infer_request()

    def by_operator():
        counting, rows, counts = request(PERF_COUNT=True), {}, Counter()
        for _ in range(50):
            counting.infer({0: image})
            for row in counting.profiling_info:
                if row.status == openvino.ProfilingInfo.Status.EXECUTED:
                    spent = 1000 * row.real_time.total_seconds()
                    rows.setdefault((row.node_name, row.node_type, row.exec_type), []).append(spent)
        times = Counter()
        for (_, kind, how), spent in rows.items():
            times[kind, how] += min(spent)
            counts[kind, how] += 1
        return {f"{k} {how} ({counts[k, how]})": t for (k, how), t in times.most_common()}

    plain = request()
    return lambda: plain.infer({0: image}), by_operator


CONTENDERS = {
    OURS[0]: ours,
    OURS[1]: ours,
    "OpenVINO": openvino,
    "ONNX Runtime": onnx_runtime,
    "torchvision": torchvision,
    "torchvision, traced and frozen": torchvision,
}


def contend(name: str) -> None:
    """Take a turn for every line that comes in, and say how long an image took."""
    classify, by_operator = CONTENDERS[name](name)
    for line in sys.stdin:
        if line.strip() == "operators":
            rows = by_operator() if by_operator else {}
            text = "; ".join(f"{k} {t:.2f}" for k, t in rows.items())
            print("operators", sum(rows.values()), text, flush=True)
            continue
        times = []
        for _ in range(IMAGES):
            began = time.perf_counter()
            classify()
            times.append(time.perf_counter() - began)
        print("turn", *(1000 * spent for spent in times), flush=True)


def answer(process, question: str) -> str:
    process.stdin.write(f"{question}\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith(question):
            return line.removeprefix(question).strip()
    raise SystemExit("a contender died")


def main() -> None:
    contenders = {
        name: subprocess.Popen(
            [sys.executable, __file__, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in CONTENDERS
    }
    times = {name: [] for name in contenders}
    for turn in range(1 + TURNS):
        for name, process in contenders.items():
            found = [float(spent) for spent in answer(process, "turn").split()]
            times[name] += found if turn else []
    print("| runtime | median, ms | of ours | fastest, ms | of ours |")
    print("|---|--:|--:|--:|--:|")
    for name, mine in times.items():
        cells = []
        for of in (statistics.median, min):
            cells += [f"{of(mine):.2f}", f"{of(mine) / of(times[OURS[0]]):.2f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    # What else the machine does only ever adds to an operator's time.
    told = {name: [] for name in contenders}
    for _ in range(TRIES):
        for name, process in contenders.items():
            total, _, text = answer(process, "operators").partition(" ")
            told[name].append((float(total), text))
    for name, tries in told.items():
        if min(tries)[1]:
            print(f"\n{name}: {min(tries)[1]}", flush=True)
        contenders[name].stdin.close()


if __name__ == "__main__":
    contend(sys.argv[1]) if len(sys.argv) > 1 else main()
