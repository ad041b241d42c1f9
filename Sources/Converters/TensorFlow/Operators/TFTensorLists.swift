import Graphs
import Tensors

/// Lists of tensors, as loops of TensorFlow 2 use them.
enum TFTensorLists {
  static let operators: [TFOperator] = [
    .many("TensorListReserve") { (c) throws(EngineError) in
      [.list(try reserved(c, count: try c.tensor(1)))]
    },
    .many("EmptyTensorList") { (c) throws(EngineError) in
      [.list(try reserved(c, count: try c.b.scalar(0)))]
    },
    .many("TensorListFromTensor") { (c) throws(EngineError) in
      let x = try c.tensor(0)
      return [
        .list(FlowList(state: .stacked(x), dtype: c.b.dtype(x) ?? .float32, element: nil))
      ]
    },
    TFOperator("TensorListStack") { (c) throws(EngineError) in
      var list = try c.list(0)
      // The shape of an element stands in input 1.
      if list.element == nil, let sizes = c.b.knownInts(try c.tensor(1)) { list.element = sizes }
      return try list.stacked(c.b)
    },
    TFOperator("TensorListGetItem") { (c) throws(EngineError) in
      try c.b.onnx("Gather", [try c.list(0).stacked(c.b), try c.tensor(1)])
    },
    TFOperator("TensorListGather") { (c) throws(EngineError) in
      try c.b.onnx("Gather", [try c.list(0).stacked(c.b), try c.tensor(1)])
    },
    .many("TensorListSetItem") { (c) throws(EngineError) in
      [.list(try c.list(0).setting(try c.tensor(1), try c.tensor(2), c.b))]
    },
    .many("TensorListPushBack") { (c) throws(EngineError) in
      [.list(try c.list(0).setting(nil, try c.tensor(1), c.b))]
    },
    .many("TensorListPopBack", outputs: ["output_handle", "tensor"]) { (c) throws(EngineError) in
      var list = try c.list(0)
      let all = try list.stacked(c.b)
      let last = try c.b.onnx("Gather", [all, try c.b.scalar(-1)])
      list.state = .stacked(try c.b.slice(all, [0], [-1], axes: [0]))
      return [.list(list), .tensor(last)]
    },
    TFOperator("TensorListLength") { (c) throws(EngineError) in
      try c.b.cast(try c.list(0).count(c.b), .int32)
    },
    TFOperator("TensorListElementShape") { (c) throws(EngineError) in
      let all = try c.list(0).stacked(c.b)
      let shape = try c.b.onnx("Shape", [all], [.int("start", 1)])
      return try c.b.cast(shape, try c.a.dtype("shape_type") ?? .int32)
    },
  ]

  private static func reserved(_ c: TFCall, count: ValueID) throws(EngineError) -> FlowList {
    guard let dtype = try c.a.dtype("element_dtype") else {
      throw EngineError(.unsupported, "lists of lists are not converted")
    }
    return FlowList(
      state: .reserved(count: try c.b.reshape(try c.b.cast(count, .int64), [])), dtype: dtype,
      element: c.b.knownInts(try c.tensor(0)).flatMap { $0 == [-1] ? nil : $0 },
      isSingle: c.b.knownInts(count) == [1])
  }
}
