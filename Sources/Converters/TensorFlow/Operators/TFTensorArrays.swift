import Graphs
import Tensors

/// Arrays of tensors, as loops of TensorFlow 1 use them: a handle that stays, and a flow that
/// carries what was written.
enum TFTensorArrays {
  static let operators: [TFOperator] = [
    .many("TensorArrayV3", outputs: ["handle", "flow"]) { (c) throws(EngineError) in
      guard let dtype = try c.a.dtype("dtype") else {
        throw EngineError(.unsupported, "arrays of handles are not converted")
      }
      let list = FlowList(
        state: .reserved(count: try c.b.reshape(try c.b.cast(try c.tensor(0), .int64), [])),
        dtype: dtype, element: try c.a.shape("element_shape"),
        isSingle: c.b.knownInts(try c.tensor(0)) == [1])
      return [.nothing, .list(list)]
    },
    .many("TensorArrayScatterV3") { (c) throws(EngineError) in
      var list = try c.list(3)
      let value = try c.tensor(2)
      guard case .reserved = list.state else {
        throw EngineError(.unsupported, "an array is written twice")
      }
      // Places in order are the usual case; others are put where they belong.
      if let places = c.b.knownInts(try c.tensor(1)), places != Array(0..<places.count) {
        let zeros = try c.b.onnx(
          "Expand", [try c.b.number(0, like: value), try c.b.shape(value)])
        let index = try c.b.unsqueeze(try c.b.cast(try c.tensor(1), .int64), [1])
        list.state = .stacked(try c.b.onnx("ScatterND", [zeros, index, value]))
      } else {
        list.state = .stacked(value)
      }
      return [.list(list)]
    },
    TFOperator("TensorArrayReadV3") { (c) throws(EngineError) in
      try c.b.onnx("Gather", [try c.list(2).stacked(c.b), try c.tensor(1)])
    },
    TFOperator("TensorArrayGatherV3") { (c) throws(EngineError) in
      try c.b.onnx("Gather", [try c.list(2).stacked(c.b), try c.tensor(1)])
    },
    .many("TensorArrayWriteV3") { (c) throws(EngineError) in
      [.list(try c.list(3).setting(try c.tensor(1), try c.tensor(2), c.b))]
    },
    TFOperator("TensorArraySizeV3") { (c) throws(EngineError) in
      try c.b.cast(try c.list(1).count(c.b), .int32)
    },
    TFOperator("TensorArrayConcatV3", "elements of one size") { (c) throws(EngineError) in
      let b = c.b
      let all = try c.list(1).stacked(b)
      let rest = try b.onnx("Shape", [all], [.int("start", 2)])
      return try b.onnx("Reshape", [all, try b.concat([try b.ints([-1]), rest], axis: 0)])
    },
  ]
}
