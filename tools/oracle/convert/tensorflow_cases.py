"""Small TensorFlow functions, operator by option: what `tensorflow_models.py` saves and runs.

Each case is (name, function, inputs); numbers come from a seed of the case's name.
"""

import zlib

import numpy as np
import tensorflow as tf

R = tf.raw_ops
CASES = []


def numbers(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def case(name, function, *inputs, **options):
    """Inputs: arrays, or shapes of float32 numbers from -2 to 2; `open`: which axes are open."""
    random = numbers(name)
    arrays = []
    for i in inputs:
        if isinstance(i, tuple):
            i = (random.random(i) * 4 - 2).astype("f4")
        arrays.append(np.asarray(i))
    CASES.append((name, function, arrays, options))


def each(prefix, names, inputs, **options):
    for n in names:
        op = getattr(R, n)
        if len(inputs) == 1:
            case(f"{prefix}_{n}", lambda x, op=op: op(**{arg(op): x}), *inputs, **options)
        else:
            case(f"{prefix}_{n}", lambda x, y, op=op: op(x=x, y=y), *inputs, **options)


def arg(op):
    import inspect

    return next(iter(inspect.signature(op).parameters))


I = np.int32
positive = np.linspace(0.1, 3, 24).reshape(2, 3, 4).astype("f4")
inside = np.linspace(-0.95, 0.95, 24).reshape(2, 3, 4).astype("f4")
above = np.linspace(1.05, 4, 24).reshape(2, 3, 4).astype("f4")
ints = np.array([[7, -7, 5, -5], [3, -3, 8, 1]], I)
divisors = np.array([[2, 2, -3, 3], [-2, 2, 3, -1]], I)
flags = np.array([[True, False, True], [False, False, True]])
other = np.array([[True, True, False], [False, True, True]])

each("unary", [
    "Abs", "Neg", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Sign",
    "Floor", "Ceil", "Round", "Rint", "Erf", "Erfc", "Expm1", "Sigmoid", "Relu", "Relu6", "Elu",
    "Selu", "Softplus", "Softsign", "Square", "IsNan", "IsInf", "IsFinite", "Identity",
    "StopGradient", "ZerosLike", "OnesLike", "Shape", "Size", "Rank", "L2Loss", "Snapshot",
], [(2, 3, 4)])
each("unary", ["Log", "Sqrt", "Rsqrt", "Log1p", "Reciprocal", "Inv"], [positive])
each("unary", ["Asin", "Acos", "Atanh"], [inside])
each("unary", ["Acosh"], [above])
each("unary", ["LogicalNot"], [flags])
each("unary", ["Invert"], [ints])
each("unary_int", ["Abs", "Neg", "Sign", "Square"], [ints])
each("binary", ["AddV2", "Add", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum",
                "SquaredDifference", "FloorDiv", "FloorMod", "Atan2", "Xdivy", "DivNoNan",
                "MulNoNan", "TruncateMod", "Less", "LessEqual", "Greater", "GreaterEqual", "Equal",
                "NotEqual", "ApproximateEqual"], [(2, 3, 4), (2, 3, 4)])
each("broadcast", ["AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Less"], [(2, 3, 4), (3, 1)])
each("int", ["AddV2", "Sub", "Mul", "FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod", "Maximum",
             "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Less", "Equal"], [ints, divisors])
each("shift", ["LeftShift", "RightShift"], [ints, np.array([[1, 2, 0, 3], [2, 1, 3, 0]], I)])
each("shift_unsigned", ["LeftShift", "RightShift"],
     [np.array([7, 200, 15], np.uint8), np.array([1, 2, 3], np.uint8)])
each("logic", ["LogicalAnd", "LogicalOr"], [flags, other])
case("xlogy", lambda x, y: R.Xlogy(x=x, y=y), (2, 3), positive[0, :2, :3])
case("xlog1py", lambda x, y: R.Xlog1py(x=x, y=y), (2, 3), positive[0, :2, :3])
case("div_no_nan_zero", lambda x, y: tf.math.divide_no_nan(x, y), (4,), np.array([0, 1, 0, -2], "f4"))
case("pow", lambda x, y: x**y, positive, (2, 3, 4))
case("add_n", lambda x, y, z: tf.add_n([x, y, z]), (2, 3), (2, 3), (2, 3))
case("leaky_relu", lambda x: tf.nn.leaky_relu(x, 0.3), (2, 5))
case("softmax", lambda x: tf.nn.softmax(x), (2, 5))
case("softmax_axis", lambda x: tf.nn.softmax(x, axis=1), (2, 5, 3))
case("log_softmax", lambda x: tf.nn.log_softmax(x), (2, 5))
case("gelu", lambda x: tf.nn.gelu(x), (2, 5))
case("gelu_tanh", lambda x: tf.nn.gelu(x, approximate=True), (2, 5))
case("clip", lambda x: tf.clip_by_value(x, -0.5, 1.0), (2, 5))
case("clip_op", lambda x: R.ClipByValue(t=x, clip_value_min=-0.5, clip_value_max=1.0), (2, 5))
for ex in (False, True):
    for rev in (False, True):
        case(f"cumsum_{ex:d}{rev:d}", lambda x, ex=ex, rev=rev: tf.cumsum(x, 1, ex, rev), (2, 5, 3))
for d in ("float64", "int32", "int64", "bool", "float16", "uint8", "int8"):
    case(f"cast_{d}", lambda x, d=d: tf.cast(x, d), np.array([0, 1, 2.7, 100, 0.3], "f4"))
case("cast_negative", lambda x: tf.cast(x, tf.int32), np.array([-0.5, -1.5, -2.7], "f4"))

# Convolutions.
for pad in ("SAME", "VALID"):
    for stride in (1, 2):
        for dilation in (1, 2):
            if stride > 1 and dilation > 1:
                continue
            case(f"conv2d_{pad}_{stride}_{dilation}",
                 lambda x, pad=pad, s=stride, d=dilation: tf.nn.conv2d(x, FILTER, s, pad, dilations=d),
                 (2, 7, 8, 3))
            case(f"depthwise_{pad}_{stride}_{dilation}",
                 lambda x, pad=pad, s=stride, d=dilation: tf.nn.depthwise_conv2d(
                     x, DEPTHWISE, [1, s, s, 1], pad, dilations=[d, d]), (2, 7, 8, 3))
        case(f"conv2d_transpose_{pad}_{stride}",
             lambda x, pad=pad, s=stride: tf.nn.conv2d_transpose(
                 x, TRANSPOSED,
                 [2, 5 * s if pad == "SAME" else 4 * s + 3, 4 * s if pad == "SAME" else 3 * s + 3, 4],
                 s, pad), (2, 5, 4, 3))
        case(f"conv3d_{pad}_{stride}",
             lambda x, pad=pad, s=stride: tf.nn.conv3d(x, FILTER3, [1, s, s, s, 1], pad),
             (1, 5, 6, 5, 2))
        case(f"conv3d_transpose_{pad}_{stride}",
             lambda x, pad=pad, s=stride: tf.nn.conv3d_transpose(
                 x, TRANSPOSED3, [1] + [n * s if pad == "SAME" else (n - 1) * s + 2 for n in (3, 4, 3)] + [4],
                 [1, s, s, s, 1], pad), (1, 3, 4, 3, 2))
        case(f"conv1d_{pad}_{stride}", lambda x, pad=pad, s=stride: tf.nn.conv1d(x, FILTER1, s, pad),
             (2, 9, 3))
        for k in (2, 3):
            for n, f in (("max", tf.nn.max_pool2d), ("avg", tf.nn.avg_pool2d)):
                case(f"{n}pool_{pad}_{stride}_{k}",
                     lambda x, f=f, k=k, s=stride, pad=pad: f(x, k, s, pad), (2, 7, 6, 3))
            for n, f in (("max", tf.nn.max_pool3d), ("avg", tf.nn.avg_pool3d)):
                case(f"{n}pool3d_{pad}_{stride}_{k}",
                     lambda x, f=f, k=k, s=stride, pad=pad: f(x, k, s, pad), (1, 5, 6, 5, 2))
FILTER = numbers("filter").random((3, 3, 3, 4)).astype("f4") - 0.5
FILTER1 = numbers("filter1").random((3, 3, 4)).astype("f4") - 0.5
FILTER3 = numbers("filter3").random((2, 3, 2, 2, 4)).astype("f4") - 0.5
DEPTHWISE = numbers("depthwise").random((3, 3, 3, 2)).astype("f4") - 0.5
TRANSPOSED = numbers("transposed").random((3, 3, 4, 3)).astype("f4") - 0.5
TRANSPOSED3 = numbers("transposed3").random((2, 2, 2, 4, 2)).astype("f4") - 0.5
GROUPED = numbers("grouped").random((3, 3, 2, 6)).astype("f4") - 0.5
case("conv2d_explicit", lambda x: tf.nn.conv2d(x, FILTER, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]), (1, 5, 6, 3))
case("conv2d_groups", lambda x: tf.nn.conv2d(x, GROUPED, 1, "SAME"), (1, 5, 6, 4))
case("conv2d_open", lambda x: tf.nn.conv2d(x, FILTER, 2, "SAME"), (2, 7, 8, 3), open=[0, 1, 2])
case("conv2d_chain", lambda x: tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(tf.nn.max_pool2d(tf.nn.relu(
    tf.nn.bias_add(tf.nn.conv2d(x, FILTER, 1, "SAME"), [1.0, 2, 3, 4])), 2, 2, "SAME"),
    FILTER.transpose(0, 1, 3, 2), 1, "VALID"), [0.5, 0, -1])), (1, 8, 9, 3))
case("max_pool_argmax", lambda x: tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[0], (1, 5, 6, 3))
case("max_pool_explicit", lambda x: R.MaxPool(input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
     padding="EXPLICIT", explicit_paddings=[0, 0, 1, 1, 0, 1, 0, 0]), (1, 5, 6, 3))
case("max_pool_v2", lambda x: R.MaxPoolV2(input=x, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="VALID"), (1, 5, 6, 3))
case("bias_add", lambda x: tf.nn.bias_add(x, [1.0, 2, 3]), (2, 4, 3))
case("bias_add_first", lambda x: tf.nn.bias_add(x, [1.0, 2, 3], "NCHW"), (2, 3, 4, 5))
for v in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    case(f"batch_norm_{v}", lambda x, v=v: getattr(R, v)(
        x=x, scale=[1.0, 2, 3], offset=[0.1, 0.2, 0.3], mean=[0.5, 0, -0.5], variance=[1.0, 2, 0.5],
        epsilon=0.01, is_training=False)[0], (2, 4, 5, 3))
case("batch_norm_training", lambda x: R.FusedBatchNormV3(
    x=x, scale=[1.0, 2, 3], offset=[0.1, 0.2, 0.3], mean=[], variance=[], is_training=True)[0], (2, 4, 5, 3))
case("lrn", lambda x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.75), (1, 3, 4, 7))

# Products.
for a in (False, True):
    for b in (False, True):
        case(f"matmul_{a:d}{b:d}", lambda x, y, a=a, b=b: tf.matmul(x, y, a, b),
             (5, 3) if a else (3, 5), (4, 5) if b else (5, 4))
        case(f"batch_matmul_{a:d}{b:d}", lambda x, y, a=a, b=b: tf.matmul(x, y, a, b),
             (2, 5, 3) if a else (2, 3, 5), (2, 4, 5) if b else (2, 5, 4))
case("batch_matmul_broadcast", lambda x, y: tf.matmul(x, y), (2, 1, 3, 5), (4, 5, 2))
for e, s in (("ij,jk->ik", ((3, 4), (4, 5))), ("bij,bkj->bik", ((2, 3, 4), (2, 5, 4))),
             ("abc,cde->abde", ((2, 3, 4), (4, 5, 6))), ("...ij,...jk->...ik", ((2, 3, 4), (2, 4, 5))),
             ("BTH,HND->BTND", ((2, 3, 4), (4, 2, 5)))):
    case("einsum_" + "".join(c if c.isalnum() else "_" for c in e), lambda x, y, e=e: tf.einsum(e, x, y), *s)
for lo, hi in ((0, -1), (-1, 0), (1, 1), (-1, -1), (0, 0)):
    case(f"band_{lo}_{hi}".replace("-", "m"), lambda x, lo=lo, hi=hi: tf.linalg.band_part(x, lo, hi), (2, 4, 5))
case("diag", lambda x: tf.linalg.diag(x), (2, 3))
case("diag_part", lambda x: tf.linalg.diag_part(x), (2, 3, 3))
case("diag_part_wide", lambda x: tf.linalg.diag_part(x), (2, 3, 4))
case("diag_part_tall", lambda x: tf.linalg.diag_part(x), (2, 5, 3))
case("set_diag", lambda x, y: tf.linalg.set_diag(x, y), (2, 3, 3), (2, 3))
case("det", lambda x: tf.linalg.det(x), (2, 3, 3))

# Reductions.
for n in ("sum", "mean", "max", "min", "prod", "euclidean_norm", "logsumexp", "std", "variance"):
    f = getattr(tf, "reduce_" + n, None) or getattr(tf.math, "reduce_" + n)
    for axis, keep in ((1, False), ([0, 2], True), (None, False), (-1, True), ([1, 2], False)):
        t = "all" if axis is None else "_".join(map(str, np.ravel(axis))).replace("-", "m")
        case(f"reduce_{n}_{t}", lambda x, f=f, a=axis, k=keep: f(x, a, k), (2, 3, 4))
for n in ("any", "all"):
    for axis in (0, 1, None):
        case(f"reduce_{n}_{axis}", lambda x, f=getattr(tf, "reduce_" + n), a=axis: f(x, a), flags)
for d in (tf.int32, tf.int64):
    case(f"argmax_{d.name}", lambda x, d=d: tf.argmax(x, 1, d), (2, 5, 3))
    case(f"argmin_{d.name}", lambda x, d=d: tf.argmin(x, -1, d), (2, 5, 3))
case("mean_spatial", lambda x: tf.reduce_mean(tf.nn.conv2d(x, FILTER, 1, "SAME"), [1, 2]), (2, 5, 6, 3))
case("mean_spatial_keep", lambda x: tf.reduce_mean(tf.nn.conv2d(x, FILTER, 1, "SAME"), [1, 2], True), (2, 5, 6, 3))

# Sizes and views.
case("shape_int64", lambda x: tf.shape(x, out_type=tf.int64), (2, 3, 4), open=[0])
case("shape_n", lambda x, y: tf.shape_n([x, y])[1], (2, 3), (4,))
case("reshape", lambda x: tf.reshape(x, [3, -1]), (2, 3, 4))
case("reshape_open", lambda x: tf.reshape(x, [tf.shape(x)[0], -1]), (2, 3, 4), open=[0])
case("flatten_open", lambda x: tf.reshape(x, [-1, x.shape[1] * x.shape[2]]), (2, 3, 4), open=[0])
case("expand_dims", lambda x: tf.expand_dims(x, 1), (2, 3))
case("expand_dims_last", lambda x: tf.expand_dims(x, -1), (2, 3))
case("squeeze", lambda x: tf.squeeze(x), (1, 3, 1, 2))
case("squeeze_axis", lambda x: tf.squeeze(x, [-2]), (1, 3, 1, 2))
for p in ([1, 0, 2], [0, 2, 1], [2, 0, 1]):
    case("transpose_" + "".join(map(str, p)), lambda x, p=p: tf.transpose(x, p), (2, 3, 4))
case("transpose_images", lambda x: tf.transpose(tf.nn.relu(tf.transpose(x, [0, 3, 1, 2])), [0, 2, 3, 1]), (1, 4, 5, 3))
case("broadcast_to", lambda x: tf.broadcast_to(x, [2, 3, 4]), (3, 1))
case("broadcast_dynamic", lambda x, y: tf.broadcast_to(y, tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(y))), (2, 3, 4), (4,))
case("tile", lambda x: tf.tile(x, [2, 3]), (2, 3))
case("fill", lambda x: tf.fill(tf.shape(x), 2.5) + x, (2, 3), open=[0])
case("range", lambda x: tf.range(0, tf.shape(x)[0] * 2, 2), (5,), open=[0])
case("linspace", lambda x: tf.linspace(x, 4.0, 7), np.float32(-1.5))
case("ensure_shape", lambda x: tf.ensure_shape(x, [None, 3]), (2, 3))
case("invert_permutation", lambda x: tf.transpose(x, tf.math.invert_permutation([2, 0, 1])), (2, 3, 4))
case("identity_n", lambda x, y: tuple(tf.identity_n([x, y])), (2,), (3,))
case("reverse", lambda x: tf.reverse(x, [0, 2]), (2, 3, 4))
case("roll", lambda x: tf.roll(x, [1, -2], [0, 2]), (2, 3, 4))
case("reverse_sequence", lambda x: tf.reverse_sequence(x, [2, 1, 3], seq_axis=1, batch_axis=0), (3, 4, 2))
case("one_hot", lambda x: tf.one_hot(x, 4), np.array([0, 2, -1, 3, 5], I))
case("one_hot_axis", lambda x: tf.one_hot(x, 4, 2.0, -1.0, axis=0), np.array([[0, 2], [1, 3]], I))
case("bitcast", lambda x: tf.bitcast(x, tf.int32), (2, 3))

# Parts and joins.
SLICES = {
    "plain": lambda x: x[1:3], "step": lambda x: x[:, ::2], "back": lambda x: x[:, ::-1],
    "ellipsis": lambda x: x[..., 1:], "new": lambda x: x[:, tf.newaxis, 1], "last": lambda x: x[-1],
    "mixed": lambda x: x[1, ..., tf.newaxis, :-1], "negative": lambda x: x[-3:-1, 1:-1],
    "backs": lambda x: x[3:0:-2, ::-1], "shrink": lambda x: x[:, -1, 2], "both": lambda x: x[0, 1:, tf.newaxis],
    "open": lambda x: x[: tf.shape(x)[0] - 1], "picked": lambda x: x[tf.shape(x)[0] - 2],
}
for n, f in SLICES.items():
    case("strided_" + n, f, (4, 5, 6))
    case("strided_open_" + n, f, (4, 5, 6), open=[0])
case("slice", lambda x: tf.slice(x, [1, 0, 2], [2, -1, 3]), (4, 5, 6))
case("slice_open", lambda x: tf.slice(x, [0, 1, 0], [tf.shape(x)[0] - 1, 2, -1]), (4, 5, 6), open=[0])
case("split", lambda x: tuple(tf.split(x, 3, 1)), (2, 6, 2))
case("split_sizes", lambda x: tuple(tf.split(x, [1, -1, 2], 1)), (2, 6, 2))
case("unstack", lambda x: tuple(tf.unstack(x, axis=1)), (2, 3, 4))
case("stack", lambda x, y: tf.stack([x, y], 1), (2, 3), (2, 3))
case("concat", lambda x, y: tf.concat([x, y], -1), (2, 3), (2, 4))
case("concat_images", lambda x: tf.concat([tf.nn.conv2d(x, FILTER, 1, "SAME"), tf.nn.conv2d(x, FILTER, 1, "SAME")], 3), (1, 4, 5, 3))
case("concat_v1", lambda x, y: R.Concat(concat_dim=1, values=[x, y]), (2, 3), (2, 4))
case("gather", lambda x: tf.gather(x, [[0, 2], [1, 1]], axis=1), (2, 3, 4))
case("gather_first", lambda x: R.Gather(params=x, indices=[1, 0]), (2, 3, 4))
case("gather_batch", lambda x: tf.gather(x, [[0, 2], [1, 1]], axis=1, batch_dims=1), (2, 3, 4))
case("gather_batch_axis", lambda x: tf.gather(x, [[0, 2, 3], [1, 1, 0]], axis=2, batch_dims=1), (2, 3, 4))
case("gather_nd", lambda x: tf.gather_nd(x, [[0, 2], [1, 1]]), (2, 3, 4))
case("gather_nd_batch", lambda x: tf.gather_nd(x, [[2], [1]], batch_dims=1), (2, 3, 4))
case("scatter_nd", lambda x: tf.scatter_nd([[1], [3], [1]], x, [5, 2]), (3, 2))
for n in ("update", "add", "sub", "min", "max"):
    case(f"tensor_scatter_{n}", lambda x, y, f=getattr(tf, f"tensor_scatter_nd_{n}"): f(x, [[0, 1], [2, 0]], y), (3, 4), (2,))
for n in ("sum", "max", "min"):
    case(f"segment_{n}", lambda x, f=getattr(tf.math, f"unsorted_segment_{n}"): f(x, [0, 2, 0, 1], 4), (4, 3))
case("where", lambda x: tf.where(x > 0), (3, 4))
case("select", lambda x, y: tf.where(x > y, x, y), (3, 4), (3, 4))
case("select_rows", lambda x, y: R.Select(condition=[True, False, True], x=x, y=y), (3, 4), (3, 4))
case("topk", lambda x: tuple(tf.math.top_k(x, 3)), (2, 6))
case("unique", lambda x: tuple(tf.unique(x)), np.array([3, 1, 3, 2, 1], I))
case("unique_counts", lambda x: tuple(tf.unique_with_counts(x)), np.array([3, 1, 3, 2, 1], I))
case("bucketize", lambda x: R.Bucketize(input=x, boundaries=[-1.0, 0, 1]), (2, 5))
case("bincount", lambda x: tf.math.bincount(x, minlength=5, maxlength=5, axis=-1), np.array([[0, 2, 2], [4, 1, 4]], I))
case("bincount_binary", lambda x: R.DenseBincount(input=x, size=5, weights=np.zeros(0, "f4"), binary_output=True), np.array([[0, 2, 2], [4, 1, 4]], I))
case("searchsorted", lambda x: tf.searchsorted([[0.0, 1, 2, 3]], x), np.array([[0.5, 1, 9, -1]], "f4"))
case("in_top_k", lambda x: tf.math.in_top_k([0, 3, 1], x, 2), (3, 5))
case("pad", lambda x: tf.pad(x, [[1, 0], [2, 1]]), (2, 3))
case("pad_value", lambda x: tf.pad(x, [[1, 0], [2, 1]], constant_values=3.5), (2, 3))
case("pad_reflect", lambda x: tf.pad(x, [[1, 0], [2, 1]], "REFLECT"), (3, 4))
case("pad_symmetric", lambda x: tf.pad(x, [[1, 0], [2, 1]], "SYMMETRIC"), (3, 4))

# Images.
for h, w in ((6, 8), (3, 2), (5, 7)):
    for hp, ac in ((True, False), (False, True), (False, False)):
        t = f"{h}{w}_{hp:d}{ac:d}"
        for n in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"):
            case(f"{n}_{t}", lambda x, n=n, h=h, w=w, hp=hp, ac=ac: getattr(R, n)(
                images=x, size=[h, w], half_pixel_centers=hp, align_corners=ac), (1, 3, 4, 2),
                 tolerance=3e-3 if n == "ResizeBicubic" else 1e-5)
case("resize_open", lambda x: tf.image.resize(x, [tf.shape(x)[1] * 2, tf.shape(x)[2] * 2]), (1, 3, 4, 2), open=[0, 1, 2])
case("space_to_batch", lambda x: tf.space_to_batch(x, [2, 3], [[1, 0], [0, 2]]), (2, 3, 4, 2))
case("batch_to_space", lambda x: tf.batch_to_space(x, [2, 2], [[0, 1], [1, 0]]), (4, 3, 4, 2))
case("space_to_depth", lambda x: tf.nn.space_to_depth(x, 2), (1, 4, 6, 3))
case("depth_to_space", lambda x: tf.nn.depth_to_space(x, 2), (1, 2, 3, 12))
case("patches", lambda x: tf.image.extract_patches(x, [1, 2, 3, 1], [1, 2, 1, 1], [1, 1, 1, 1], "VALID"), (1, 5, 6, 3))
case("patches_same", lambda x: tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"), (1, 5, 6, 2))
case("contrast", lambda x: tf.image.adjust_contrast(x, 1.5), (1, 5, 6, 3))
BOXES = np.array([[0, 0, 1, 1], [0.1, 0.1, 1.1, 1.1], [0, 0, 0.4, 0.5], [0.5, 0.5, 1, 1]], "f4")
case("crop_and_resize", lambda x: tf.image.crop_and_resize(x, BOXES, [0, 0, 1, 1], [3, 4], extrapolation_value=-1.0), (2, 6, 7, 3))
SCORES = np.array([0.9, 0.8, 0.7, 0.6], "f4")
case("nms", lambda x: tf.image.non_max_suppression(x, SCORES, 3, 0.5), BOXES)
case("nms_v2", lambda x: R.NonMaxSuppressionV2(boxes=x, scores=SCORES, max_output_size=3, iou_threshold=0.5), BOXES)
case("nms_v4", lambda x: tuple(R.NonMaxSuppressionV4(boxes=x, scores=SCORES, max_output_size=5, iou_threshold=0.5, score_threshold=0.1, pad_to_max_output_size=True)), BOXES)
case("nms_v5", lambda x: tuple(R.NonMaxSuppressionV5(boxes=x, scores=SCORES, max_output_size=5, iou_threshold=0.5, score_threshold=0.65, soft_nms_sigma=0.0)), BOXES)

# Quantisation that is simulated.
STEP = 6 / 255
case("fake_quant", lambda x: tf.quantization.fake_quant_with_min_max_args(x, -3, 3), (4, 5), tolerance=1e-4)
case("fake_quant_vars", lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -0.7, 1.9, narrow_range=True), (4, 5), tolerance=1e-4)
case("fake_quant_4", lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -1.0, 1.9, num_bits=4), (4, 5), tolerance=1e-4)
case("fake_quant_channels", lambda x: tf.quantization.fake_quant_with_min_max_vars_per_channel(x, [-1.0, -0.5, -2], [1.0, 2, 0.5]), (4, 3), tolerance=1e-4)

# Text.
TEXTS = np.array(["Cat", "dog", "", "Émile 7"], object)
case("text_join", lambda x: tf.strings.join([x, "b", x], separator="-"), TEXTS)
case("text_number", lambda x: tf.strings.to_number(x), np.array(["1.5", "-2", "3e2"], object))
case("text_of_int", lambda x: tf.strings.as_string(x), np.array([1, -22, 333], I))
case("text_match", lambda x: tf.strings.regex_full_match(x, "[a-z]+"), TEXTS)
case("text_add", lambda x: x + "!", TEXTS)

# Control flow.
case("cond", lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1), (2, 3))
case("cond_other", lambda x: tf.cond(tf.reduce_sum(x) > 1e3, lambda: x * 2, lambda: x - 1), (2, 3))
case("cond_nested", lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: tf.cond(x[0, 0] > 0, lambda: x + 1, lambda: x + 2), lambda: x - 1), (2, 3))
case("cond_two", lambda x, y: tuple(tf.cond(x[0] > y[0], lambda: (x, y * 2), lambda: (y, x * 3))), (3,), (3,))
case("case", lambda x: tf.switch_case(tf.cast(x[0] + 3, tf.int32) % 3, [lambda: x, lambda: x * 2, lambda: x * 3]), (3,))
case("while", lambda x: tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * 1.5 + 1), [0, x])[1], (2, 3))
case("while_data", lambda x: tf.while_loop(lambda a: tf.reduce_sum(a) < 100, lambda a: [a * 2], [x])[0], np.ones((2, 3), "f4"))
case("while_captured", lambda x, y: tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.matmul(a, y)), [0, x])[1], (2, 3), (3, 3))
case("while_growing", lambda x: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.concat([a, a[:1]], 0)), [0, x], shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])])[1], (2, 3))
case("while_nested", lambda x: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b + a), [0, a])[1]), [0, x])[1], (2,))


def scanned(x):
    steps = tf.TensorArray(tf.float32, 4)
    def body(i, a, out):
        a = a * 0.5 + x[:, i]
        return i + 1, a, out.write(i, a)
    _, last, out = tf.while_loop(lambda i, a, o: i < 4, body, [0, tf.zeros_like(x[:, 0]), steps])
    return last, tf.transpose(out.stack(), [1, 0, 2])


case("while_array", scanned, (2, 4, 3))
case("while_array_open", scanned, (2, 4, 3), open=[0])
case("map", lambda x: tf.map_fn(lambda r: r * 2 + tf.reduce_sum(r), x), (3, 4))
case("scan", lambda x: tf.scan(lambda a, r: a * 0.5 + r, x), (4, 3))
case("array_write", lambda x: tf.TensorArray(tf.float32, 3).write(0, x).write(2, x * 2).write(1, -x).stack(), (2,))
