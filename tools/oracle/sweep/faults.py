"""Where an oracle is known not to follow the written standard, and why.

Each entry: the oracle (ort, ref), a pattern of case names, an optional test of the case, the reason.
A case in which both are at fault is in no fixture.
"""

import re

import numpy as np
from onnx import helper


def attributes(case):
    return {a.name: helper.get_attribute_value(a) for a in case.model.graph.node[0].attribute}



def version(case):
    return int(m[1]) if (m := re.search(r"-v(\d+)", case.name)) else 0


def same_padding(case):
    return attributes(case).get("auto_pad", b"").startswith(b"SAME")


def dilated(case):
    return any(d > 1 for d in attributes(case).get("dilations", []))


def valid_ceil(case):
    a = attributes(case)
    return a.get("auto_pad") == b"VALID" and a.get("ceil_mode", 0) == 1


def negative_total_padding(case):
    """SAME or output_shape with a stride past the kernel: padding would be negative."""
    a = attributes(case)
    return same_padding(case) or "output_shape" in a


def many_outputs(case):
    return len(case.model.graph.output) > 1


def has_nan(case):
    return any(v.dtype.kind == "f" and np.isnan(v).any() for v in case.inputs)


def has_infinity(case):
    return bool(np.isinf(case.inputs[0].astype(np.float64)).any())


def overflows(case):
    return case.inputs[0].shape == (18, 3)


KNOWN = [
    ("ref", r"^PRelu-.*special", None, "negative zero is not below 0"),
    ("both", r"^Clip-.*-T\.(float16|bfloat16|double)", lambda c: has_infinity(c) and len(
        c.model.graph.node[0].input) < 3, "by way of float32, which has other bounds"),
    ("both", r"^(Mean|Gelu|GroupNormalization)-.*double", None, "by way of float32"),
    ("both", r"^RMSNormalization-.*-V\.", None, "the result gets the dtype of X, not of the scale"),
    ("ref", r"^Clip-", None, "bounds default to the lowest and largest number, also for infinities"),
    ("ort", r"^Shrink-.*special", None, "adds the bias twice over"),
    ("ort", r"^(Gelu|HardSwish)-.*double", None, "constants of 32 bits"),
    ("both", r"^MaxPool-", has_nan, "what wins against NaN depends on the order of elements"),
    ("both", r"^Col2Im-.*bool", None, "sums of bool"),
    ("both", r"^Erf-.*-v9-.*int", None, "integers, which dlrun does not take: version 13 took them back"),
    ("ref", r"^GroupNormalization-.*float16", None, "rounds at each step"),
    ("ort", r"^NonZero-", lambda c: not c.inputs or c.inputs[0].ndim == 0,
     "a scalar has no places by the standard: [0, N]"),
    ("ort", r"^Cast-.*float8e5m2-to\.float8e5m2", None, "goes through infinity"),
    ("ref", r"^Cast-.*float8e5m2-to\.float8e5m2", None, "saturates a NaN"),
    ("ort", r"^Cast-.*-to\.float8", None, "rounds twice, by way of float16"),
    ("ort", r"^Cast-.*float8.*-to\.bool", None, "negative zero is true"),
    ("ref", r"^(Softmax|LogSoftmax|Hardmax)-", lambda c: version(c) < 13,
     "versions before 13 flatten from the axis on; the evaluator always takes one axis"),
    ("ref", r"^LogSoftmax-", None, "takes the logarithm of a softmax that underflowed to 0"),
    ("ref", r"^(RNN|GRU|LSTM)-", None,
     "knows no reversed directions, lengths, activations, clip or input_forget, and mixes up layout 1"),
    ("ref", r"^LRN-", None, "reads squares of the wrong channels at the edges"),
    ("ref", r"^LpNormalization-", None, "divides by a norm of the wrong sign and order for p = 1"),
    ("ref", r"^LpPool-", None, "leaves the exponent out of padded and dilated windows"),
    ("ref", r"^GlobalMaxPool-", None, "wrong rank of the result except for images"),
    ("ref", r"^MaxPool-", many_outputs, "counts the places of maxima wrongly when strided"),
    ("ref", r"^MaxPool-", same_padding, "SAME_LOWER shifts the window and swaps the axes"),
    ("ref", r"^MaxPool-.*-v(8|10|11)|^MaxPool-\d+-v10", None, "ignores ceil_mode of old versions"),
    ("ref", r"^MaxPool-", lambda c: attributes(c).get("ceil_mode") == 1, "as in version 10"),
    ("ort", r"^(Max|Average|Lp)Pool-", lambda c: same_padding(c) and dilated(c),
     "SAME pads as if the window were not dilated, so that the result is too small"),
    ("ref", r"^(Average|Lp)Pool-", dilated, "forgets dilation where it pads"),
    ("both", r"^(Max|Average|Lp)Pool-", valid_ceil,
     "VALID with ceil_mode is ceil((in - window + 1) / stride) by the standard; both give one more"),
    ("both", r"^ConvTranspose-", negative_total_padding,
     "how a negative total padding is split is not said; they differ in sign and rounding"),
    ("ref", r"^BatchNormalization-.*-v(7|9)", None, "unscaled variance in old versions"),
    ("ref", r"^BatchNormalization-", many_outputs,
     "the running statistics get the dtype of X, not of their own type variable"),
    ("ref", r"^BatchNormalization-.*double", None, "computes in 32 bits"),
    ("both", r"^RMSNormalization-.*-T\.", None, "the result gets the dtype of X, not of the scale"),
    ("ref", r"^LayerNormalization-.*double", None, "computes in 32 bits and returns 64"),
    ("ref", r"^GroupNormalization-.*(double|bfloat16)", None, "computes in 32 bits"),
    ("ref", r"^AffineGrid-.*double", None, "returns float32"),
    ("ref", r"^RoiAlign-", lambda c: version(c) < 16, "half_pixel is newer than version 10"),
    ("ref", r"^NegativeLogLikelihoodLoss-", None, "a weighted mean counts ignored targets"),
    ("ref", r"^Loop-", None, "scan outputs of scalars get a second axis; swapped states alias"),
    ("ref", r"^Optional-v15", None, "returns lists for tensors, and True for an empty optional"),
    ("ref", r"^Optional-v28", None, "as in version 15"),
    ("ref", r"^SequenceInsert-.*-3$", None, "position n is taken as before the last"),
    ("ref", r"^StringNormalizer-", None, "strips accents and forgets stop words when case is kept"),
    ("ref", r"^Unique-", lambda c: attributes(c).get("axis") == -1, "does not take a negative axis"),
    ("ref", r"^QuantizeLinear-", None, "infinity becomes the other bound"),
    ("ref", r"^(QLinearConv|QLinearMatMul)-", None, "adds the zero point before it rounds ties"),
    ("ref", r"^ReduceLogSumExp-", lambda c: not overflows(c), "-infinity alone gives NaN"),
    ("ort", r"^ReduceLogSumExp-", lambda c: overflows(c), "overflows where the result is finite"),
    ("ref", r"^ReduceSumSquare-", None, "small integers come back as 64-bit ones"),
    ("ort", r"^Reduce(Sum|Prod|L1|Mean|LogSum|Max|Min|L2)-", None,
     "integers go through floats, NaN is passed over, and empty means are 0"),
    ("ort", r"^Arg(Max|Min)-", lambda c: version(c) == 13, "passes over NaN"),
    ("ort", r"^Hardmax-", lambda c: version(c) == 13, "passes over NaN"),
    ("both", r"^Hardmax-", lambda c: version(c) < 13 and has_nan(c), "as in version 13"),
    ("ort", r"^TopK-.*special", None, "NaN has no fixed place"),
    ("ort", r"^Gather-.*string", None, "1.32 repeats the first row for strings"),
    ("ort", r"^Resize-", None, "integral length in align_corners, and floors integers, unlike the suite"),
    ("ort", r"^GridSample-.*v(16|20|22)", lambda c: attributes(c).get("mode") in (b"cubic", b"bicubic"),
     "bounds the centre and not the neighbours of a bicubic sample"),
    ("ref", r"^GridSample-.*float16", None, "rounds at each step"),
    ("both", r"^GridSample-.*-v16", lambda c: attributes(c).get("mode") == b"bicubic"
     and attributes(c).get("padding_mode") != b"zeros", "as ort; the evaluator has no version 16"),
    ("ort", r"^MaxUnpool-", lambda c: len(c.model.graph.node[0].input) == 3,
     "indices refer to the shape without output_shape"),
    ("ort", r"^Dropout-\d+-v10", None, "the mask is of what is kept, all of it"),
    ("both", r"^Dropout-\d+-v10-T.float16", None, "as ort"),
    ("ort", r"^Cast-.*to\.string", None, "prints 448 for 448.0"),
    ("ort", r"^Cast-.*to\.(u?int(2|4))\.", None, "rounds where a cast cuts off"),
    ("ort", r"^CastLike-.*T2\.(u?int(2|4))", None, "rounds where a cast cuts off"),
    ("ort", r"^Cast.*bfloat16.*float8", None, "rounds twice"),
    ("ref", r"^Cast-.*float8e8m0-to\.float8e8m0", None, "doubles the smallest"),
    ("ref", r"^Attention-", lambda c: attributes(c).get("qk_matmul_output_mode") == 0,
     "output mode 0 is before the soft cap"),
    ("ort", r"^Attention-", lambda c: attributes(c).get("qk_matmul_output_mode") in (1, 2),
     "masks with the lowest number, not -infinity"),
    ("ref", r"^(Hann|Hamming|Blackman)Window-", lambda c: attributes(c).get("output_datatype") == 10,
     "computes in 16 bits"),
    ("ort", r"^StringSplit-", None, "an empty string has no parts"),
    ("ort", r"^DynamicQuantizeLinear-5", None, "the scale of all zeros is not said"),
    ("ref", r"^DynamicQuantizeLinear-5", None, "the scale of all zeros is not said"),
    ("both", r"^NonZero-\d+-v13-T.complex", None, "no such type"),
]


def wrong(oracle, case) -> bool:
    for who, pattern, test, _ in KNOWN:
        if who in (oracle, "both") and re.search(pattern, case.name) and (
                test is None or len(case.model.graph.node) and test(case)):
            return True
    return False
