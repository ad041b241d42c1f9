"""Forms: how the cases of an operator are made, expanded over versions and element types."""

import collections
import dataclasses

import numpy as np
import onnx
import onnx.defs
from onnx import helper, numpy_helper

import oracle
import values
from values import NAMES, onnx_type

NEWEST = 28
HISTORY = collections.defaultdict(dict)
for _s in onnx.defs.get_all_schemas_with_history():
    if _s.domain == "" and not _s.deprecated:
        HISTORY[_s.name][_s.since_version] = _s
DEPRECATED = {(s.name, s.since_version) for s in onnx.defs.get_all_schemas_with_history()
              if s.domain == "" and s.deprecated}


def versions_of(op: str) -> list[int]:
    """Since-versions readable from opset 7 on."""
    every = sorted(HISTORY[op])
    below = [v for v in every if v <= 7]
    return below[-1:] + [v for v in every if v > 7]


def last_opset(op: str, version: int) -> int:
    later = [v for v in HISTORY[op] if v > version] + [v for n, v in DEPRECATED if n == op]
    return max(max(version, 7), min([NEWEST + 1] + [v for v in later if v > version]) - 1)


@dataclasses.dataclass
class Case:
    name: str
    op: str
    model: onnx.ModelProto
    inputs: list
    tol: tuple | None = None
    oracles: tuple = ("ort", "ref", "wide")
    want: list | None = None
    note: str = ""


class Context:
    """What a form sees: the version, the element types chosen, and makers of inputs."""

    def __init__(self, op, version, chosen):
        self.op, self.version, self.chosen = op, version, chosen
        self.schema = HISTORY[op][version]
        self.kinds = {
            c.type_param_str: [t[7:-1] for t in c.allowed_type_strs if t.startswith("tensor(")]
            for c in self.schema.type_constraints}

    def type(self, var="T"):
        if var in self.chosen:
            return self.chosen[var]
        kinds = self.kinds.get(var)
        if kinds is None:
            return var if var in NAMES else "float"
        for k in ("float", "int64", "int32", "uint8", "bool"):
            if k in kinds:
                return k
        return kinds[0] if kinds else "float"

    def x(self, shape, kind="mix", var="T", salt=""):
        return values.values(self.type(var), shape, kind, salt)

    def a(self, data, var="T"):
        return np.array(data, NAMES[self.type(var)])


FORMS = []


def form(*ops, types=(), versions="new", since=1, until=99, **options):
    """Registers a generator of `(inputs, attributes[, options])`.

    types: type variables whose every element type is tried; versions: "new" or "all"."""
    def register(make):
        for op in ops:
            FORMS.append((op, make, types, versions, since, until, options))
        return make
    return register


MODELS = []


def models(make):
    """Registers a generator of `(name, model, inputs[, options])`."""
    MODELS.append(make)
    return make


def declared(name, v, symbolic, salt):
    if isinstance(v, list):
        element = v[0] if v else np.zeros(0, np.float32)
        return helper.make_tensor_sequence_value_info(name, onnx_type(element.dtype), None)
    shape = [f"{name}{salt}{k}" if symbolic else d for k, d in enumerate(v.shape)]
    return helper.make_tensor_value_info(name, onnx_type(v.dtype), shape)


def one_node(op, opset, inputs, attributes, outputs=1, const=(), symbolic=False, skip=()):
    """A model of one node; inputs whose index is in `const` are initializers."""
    names, infos, initializers, feeds = [], [], [], []
    for i, v in enumerate(inputs):
        if v is None:
            names.append("")
            continue
        names.append(f"i{i}")
        if i in const and not isinstance(v, list):
            initializers.append(numpy_helper.from_array(v, f"i{i}"))
        else:
            infos.append(declared(f"i{i}", v, symbolic, "d"))
            feeds.append(v)
    outs = ["" if j in skip else f"o{j}" for j in range(outputs)]
    node = helper.make_node(op, names, outs, **attributes)
    graph = helper.make_graph(
        [node], "g", infos, [onnx.ValueInfoProto(name=o) for o in outs if o], initializers)
    model = model_of(graph, opset)
    bind_outputs(model, op, opset, inputs)
    return model, feeds


def bind_outputs(model, op, opset, inputs):
    """Element types of outputs that share a type variable with an input, where unknown."""
    schema = HISTORY[op][max(v for v in HISTORY[op] if v <= opset)]
    bound = {}
    for i, v in enumerate(inputs):
        if isinstance(v, np.ndarray) and schema.inputs:
            bound[schema.inputs[min(i, len(schema.inputs) - 1)].type_str] = onnx_type(v.dtype)
    for info in model.graph.output:
        j = int(info.name[1:])
        kind = schema.outputs[min(j, len(schema.outputs) - 1)].type_str
        if info.type.HasField("tensor_type") and info.type.tensor_type.elem_type == 0:
            info.type.tensor_type.elem_type = bound.get(kind, 0)


def model_of(graph, opset, imports=()):
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *imports])
    m.producer_name = ""
    m.ir_version = max(8, min(13, helper.find_min_ir_version_for(list(m.opset_import), True)))
    if any(not o.HasField("type") for o in m.graph.output):
        try:
            m = onnx.shape_inference.infer_shapes(m, data_prop=True)
        except Exception:
            pass
        for o in m.graph.output:
            if not o.HasField("type"):
                o.type.tensor_type.elem_type = 0
            elif o.type.HasField("tensor_type"):
                o.type.tensor_type.ClearField("shape")
    return m


def expand(only=None):
    """Every case of every form, unanswered."""
    counters = collections.Counter()
    for op, make, types, versions, since, until, options in FORMS:
        if only and op not in only or op not in HISTORY:
            continue
        every = versions_of(op)
        if versions == "new":
            every = [v for v in every if since <= v <= until][-1:]
        for version in every:
            if not since <= version <= until:
                continue
            base = Context(op, version, {})
            choices = [{}]
            for var in types:
                for kind in base.kinds.get(var, []):
                    if kind != base.type(var) or len(choices) == 0:
                        choices.append({var: kind})
            for chosen in choices:
                c = Context(op, version, chosen)
                made = make(c)
                for item in made or ():
                    inputs, attributes, *rest = item
                    o = {**options, **(rest[0] if rest else {})}
                    counters[op] += 1
                    k = counters[op]
                    low, high = max(7, version), last_opset(op, version)
                    opset = o.get("opset", high if k % 2 else low)
                    const = o.get("const")
                    if const is None:
                        const = range(1, len(inputs)) if k % 3 == 2 else ()
                    label = [op, str(k), f"v{version}"]
                    if chosen:
                        label += [f"{n}.{v}" for n, v in chosen.items()]
                    if o.get("name"):
                        label.append(o["name"])
                    try:
                        model, feeds = one_node(
                            op, opset, inputs, attributes, o.get("out", 1), const,
                            symbolic=k % 2 == 0, skip=o.get("skip", ()))
                    except Exception as e:
                        print("cannot build", label, repr(e)[:200])
                        continue
                    yield Case("-".join(label), op, model, feeds, o.get("tol"),
                               o.get("oracles", ("ort", "ref", "wide")))
    for make in MODELS:
        for name, model, inputs, *rest in make():
            op = name.split("-")[0]
            if only and op not in only:
                continue
            o = rest[0] if rest else {}
            yield Case(name, op, model, inputs, o.get("tol"), o.get("oracles", ("ort", "ref")))


MOVES_TYPES = {
    "Cast", "CastLike", "BitCast", "QuantizeLinear", "DequantizeLinear", "EyeLike",
    "ConstantOfShape", "Range", "RandomUniformLike", "RandomNormalLike", "Bernoulli", "Constant",
    "QLinearMatMul", "MelWeightMatrix", "HannWindow", "HammingWindow", "BlackmanWindow"}


def answer(case, faults):
    """Sets case.want; returns None, or the two answers in dispute, or why there is none."""
    found, why = {}, {}
    runs = {"ort": oracle.run_onnxruntime, "ref": oracle.run_reference}
    runs = {n: r for n, r in runs.items() if n in case.oracles and not faults.wrong(n, case)}
    other = None
    if "wide" in case.oracles and case.op not in MOVES_TYPES:
        # A sum in 32 bits, rounded once, is what an operator on 16-bit floats means.
        other = oracle.in_float32(case.model, case.inputs, ("float16", "bfloat16"))
    for attempt in range(2):
        for name, run in runs.items():
            try:
                if other is None:
                    found[name] = run(case.model, case.inputs)
                    continue
                model, inputs, changed, dtype = other
                with np.errstate(all="ignore"):
                    found[name] = [
                        o.astype(dtype) if h and isinstance(o, np.ndarray) else o
                        for o, h in zip(run(model, inputs), changed)]
            except oracle.Fault as e:
                why[name] = str(e)[:160].replace("\n", " ")
        if found or attempt or case.op in MOVES_TYPES:
            break
        if other is None:
            # No oracle in 64 bits: one in 32 bits still says whether the formula is right.
            other = oracle.in_float32(case.model, case.inputs, ("double",))
            if other is None:
                break
            case.tol = case.tol or (1e-4, 1e-5)
        else:
            other = None
    if not found:
        return "none: " + "; ".join(f"{k}: {v}" for k, v in why.items())
    if len(found) == 2:
        tol = oracle.tolerance(found["ort"], case.tol)
        for a, b in zip(found["ref"], found["ort"]):
            if d := oracle.difference(a, b, *tol):
                return found["ref"], found["ort"], d
    case.want = found.get("ort", found.get("ref"))
    return None


def finish(case, want):
    """Declares the outputs as they came and sets the tolerance."""
    for j, (info, v) in enumerate(zip(case.model.graph.output, want)):
        if v is None or info.type.HasField("optional_type"):
            continue
        if isinstance(v, list):
            if not info.type.HasField("sequence_type"):
                info.CopyFrom(declared(info.name, v, False, ""))
            continue
        shape = list(v.shape) if len(case.name) % 2 else [f"{info.name}s{k}" for k in range(v.ndim)]
        info.CopyFrom(helper.make_tensor_value_info(info.name, onnx_type(v.dtype), shape))
    return oracle.tolerance(want, case.tol)


def stored(v, info):
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(v, "").SerializeToString(deterministic=True)
    if kind == "optional_type":
        return numpy_helper.from_optional(v, "").SerializeToString(deterministic=True)
    t = numpy_helper.from_array(v, "")
    return t.SerializeToString(deterministic=True)
