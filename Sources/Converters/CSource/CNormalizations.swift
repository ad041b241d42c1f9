import Graphs
import Operators
import Tensors

/// Normalisations and softmax.
enum CNormalizations {
  static let operators: [String: COperators.Entry] = [
    "BatchNormalization": .init { (b) throws(EngineError) in try batch(&b) },
    "LayerNormalization": .init { (b) throws(EngineError) in
      guard let op = b.op as? LayerNormalization else { return }
      guard !b.wants(1), !b.wants(2) else { throw b.refuse("its mean and deviation") }
      let shape = try b.input(0).shape
      let axis = op.axis < 0 ? op.axis + shape.rank : op.axis
      try rows(&b, shape, from: axis, op.epsilon, centers: true)
    },
    "RMSNormalization": .init { (b) throws(EngineError) in
      guard let op = b.op as? RMSNormalization else { return }
      let shape = try b.input(0).shape
      let axis = op.axis < 0 ? op.axis + shape.rank : op.axis
      try rows(&b, shape, from: axis, op.epsilon, centers: false)
    },
    "InstanceNormalization": .init { (b) throws(EngineError) in
      guard let op = b.op as? InstanceNormalization else { return }
      try instance(&b, op.epsilon)
    },
    "Softmax": .init { (b) throws(EngineError) in
      guard let op = b.op as? Softmax else { return }
      try softmax(&b, op.axis, isLog: false)
    },
    "LogSoftmax": .init { (b) throws(EngineError) in
      guard let op = b.op as? LogSoftmax else { return }
      try softmax(&b, op.axis, isLog: true)
    },
  ]

  private static func batch(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? BatchNormalization else { return }
    let x = try b.input(0)
    guard !op.isTraining, op.isSpatial, x.dtype == .float32 || x.dtype == .float64 else {
      throw b.refuse("in training, or for \(x.dtype)")
    }
    let (channels, size) = (
      x.shape.rank > 1 ? x.shape[1] : 1,
      x.shape.rank > 2 ? x.shape.count(of: 2..<x.shape.rank) : 1
    )
    let type = CType.name(x.dtype) ?? "float"
    let sqrt = CType.function("sqrt", x.dtype)
    b.loop("n", x.shape[0])
    b.loop("c", channels)
    let epsilon = CType.number(Double(op.epsilon), x.dtype)
    b.line("const \(type) scale = \(b.x(1))[c] / \(sqrt)(\(b.x(4))[c] + \(epsilon));")
    b.line("const \(type) shift = \(b.x(2))[c] - \(b.x(3))[c] * scale;")
    b.loop("i", size)
    let place = "(n * \(channels) + c) * \(size) + i"
    b.line("\(b.y())[\(place)] = \(b.x(0))[\(place)] * scale + shift;")
    b.close(3)
  }

  /// Rows of all axes from `axis` on.
  private static func rows(
    _ b: inout CBody, _ shape: Shape, from axis: Int, _ epsilon: Float, centers: Bool
  ) throws(EngineError) {
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let size = shape.count(of: axis..<shape.rank)
    let scale = try b.input(1)
    let bias = b.has(2) ? try b.input(2) : nil
    guard scale.count == size || scale.count == 1,
      bias.map({ $0.count == size || $0.count == 1 })
        ?? true
    else { throw b.refuse("a scale that is not one row") }
    let place = "row * \(size) + i"
    b.loop("row", shape.count(of: 0..<axis))
    moments(&b, x.dtype, size, place, epsilon, centers: centers)
    b.loop("i", size)
    let value = centers ? "(\(b.x(0))[\(place)] - mean)" : "\(b.x(0))[\(place)]"
    var text = "\(value) * factor * \(b.x(1))[\(scale.count == 1 ? "0" : "i")]"
    if let bias { text += " + \(b.x(2))[\(bias.count == 1 ? "0" : "i")]" }
    b.line("\(b.y())[\(place)] = \(text);")
    b.close(2)
  }

  private static func instance(_ b: inout CBody, _ epsilon: Float) throws(EngineError) {
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let (channels, size) = (x.shape[1], x.shape.count(of: 2..<x.shape.rank))
    let place = "(n * \(channels) + c) * \(size) + i"
    b.loop("n", x.shape[0])
    b.loop("c", channels)
    moments(&b, x.dtype, size, place, epsilon, centers: true)
    b.loop("i", size)
    let value = "(\(b.x(0))[\(place)] - mean) * factor"
    b.line("\(b.y())[\(place)] = \(value) * \(b.x(1))[c] + \(b.x(2))[c];")
    b.close(3)
  }

  /// Declares `mean`, where it is taken off, and `factor`, one over the deviation.
  private static func moments(
    _ b: inout CBody, _ dtype: DType, _ size: Int, _ place: String, _ epsilon: Float, centers: Bool
  ) {
    let type = CType.name(dtype) ?? "float"
    let count = CType.number(Double(size), dtype)
    if centers {
      b.line("\(type) mean = 0;")
      b.loop("i", size)
      b.line("mean += \(b.x(0))[\(place)];")
      b.close()
      b.line("mean /= \(count);")
    }
    b.line("\(type) factor = 0;")
    b.loop("i", size)
    b.line("const \(type) d = \(b.x(0))[\(place)]\(centers ? " - mean" : "");")
    b.line("factor += d * d;")
    b.close()
    let sqrt = CType.function("sqrt", dtype)
    let (one, least) = (CType.number(1, dtype), CType.number(Double(epsilon), dtype))
    b.line("factor = \(one) / \(sqrt)(factor / \(count) + \(least));")
  }

  private static func softmax(
    _ b: inout CBody, _ along: SoftmaxAxis, isLog: Bool
  ) throws(EngineError) {
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let rank = x.shape.rank
    let axis = along.axis < 0 ? along.axis + rank : along.axis
    guard (0...rank).contains(axis), axis < rank || along.flattens else {
      throw b.refuse("an axis out of range")
    }
    let outer = x.shape.count(of: 0..<axis)
    let size = along.flattens ? x.shape.count(of: axis..<rank) : x.shape[axis]
    let inner = along.flattens ? 1 : x.shape.count(of: axis + 1..<rank)
    let type = CType.name(x.dtype) ?? "float"
    let exp = CType.function("exp", x.dtype)
    let source = inner == 1 ? "row * \(size) + i" : "(row * \(size) + i) * \(inner) + j"
    b.loop("row", outer)
    if inner > 1 { b.loop("j", inner) }
    b.line("\(type) most = -INFINITY;")
    b.loop("i", size)
    b.line("if (\(b.x(0))[\(source)] > most) most = \(b.x(0))[\(source)];")
    b.close()
    b.line("\(type) sum = 0;")
    b.loop("i", size)
    if isLog {
      b.line("sum += \(exp)(\(b.x(0))[\(source)] - most);")
    } else {
      b.line("const \(type) e = \(exp)(\(b.x(0))[\(source)] - most);")
      b.line("\(b.y())[\(source)] = e;")
      b.line("sum += e;")
    }
    b.close()
    if isLog { b.line("const \(type) shift = most + \(CType.function("log", x.dtype))(sum);") }
    b.loop("i", size)
    b.line(
      isLog
        ? "\(b.y())[\(source)] = \(b.x(0))[\(source)] - shift;" : "\(b.y())[\(source)] /= sum;")
    b.close(inner > 1 ? 3 : 2)
  }
}
