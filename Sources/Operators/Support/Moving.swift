import Graphs
import Kernels
import Tensors

// What operators that move elements without looking at them share.
//
// Such an operator is written once, for elements of whole bytes. Strings, packed elements and the
// symbolic integers of shape inference go the same way by proxy: the operator moves int64 *places*
// of elements instead, and the elements follow. Place 0 stands for the element the operator makes
// up: zero, or the empty string.

/// Runs `op` on strings or packed elements by moving their places.
///
/// `data` names the inputs whose elements move; all of them share one element type, which is that
/// of every output named in `outputs` (all where nil).
func moveByPlaces(
  _ op: any Operator, _ e: Evaluation, data: [Int] = [0], outputs: [Int]? = nil
) throws(EngineError) -> [Value?] {
  var inputs = e.inputs
  var sources: [(first: Int, tensor: Tensor)] = []
  var next = 1
  for i in data where e.has(i) {
    let x = try e.tensor(i)
    sources.append((next, x))
    let places = try e.allocate(TensorType(.int64, x.shape))
    fillPlaces(places, from: next)
    inputs[i] = .tensor(Tensor(places))
    next += x.count
  }
  guard let dtype = sources.first?.tensor.dtype, dtype == .string || dtype.isPacked else {
    throw EngineError(
      .internalDefect, "no kernel for elements that need no proxy",
      received: sources.map { "\($0.tensor.dtype)" }.joined(separator: ", "))
  }
  for s in sources where s.tensor.dtype != dtype {
    throw EngineError(
      .dtype, "inputs differ in element type", expected: "\(dtype)", received: "\(s.tensor.dtype)")
  }
  var results = try e.run(op, inputs, outputs: e.outputCount)
  for i in results.indices where outputs?.contains(i) ?? true {
    guard let moved = try results[i]?.asTensor() else { continue }
    results[i] = .tensor(
      dtype == .string
        ? try gatherStrings(moved, sources) : try gatherPacked(moved, sources, dtype, e))
  }
  return results
}

private func fillPlaces(_ storage: Storage, from first: Int) {
  let p = storage.bytes.assumingMemoryBound(to: Int64.self)
  for i in 0..<storage.type.count { p[i] = Int64(first + i) }
}

private func gatherStrings(
  _ places: Tensor, _ sources: [(first: Int, tensor: Tensor)]
) throws(EngineError) -> Tensor {
  var pool = [""]
  for s in sources { pool += s.tensor.strings }
  var strings: [String] = []
  for place in places.elements(Int64.self) { strings.append(pool[try checked(place, pool.count)]) }
  return try Tensor(shape: places.shape, strings: strings)
}

/// A place that an operator moved; anything else means that it computed with places.
private func checked(_ place: Int64, _ count: Int) throws(EngineError) -> Int {
  guard place >= 0, place < count else {
    throw EngineError(.internalDefect, "an operator made up the place of an element")
  }
  return Int(place)
}

private func gatherPacked(
  _ places: Tensor, _ sources: [(first: Int, tensor: Tensor)], _ dtype: DType, _ e: Evaluation
) throws(EngineError) -> Tensor {
  let out = try e.allocate(TensorType(dtype, places.shape))
  guard let packed = PackedElements(dtype) else {
    throw EngineError(.internalDefect, "elements of whole bytes moved as packed ones")
  }
  out.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: out.type.byteCount)
  for (i, place) in places.elements(Int64.self).enumerated() {
    guard let s = sources.last(where: { $0.first <= Int(place) }) else { continue }
    let at = try checked(place - Int64(s.first), s.tensor.count)
    packed.add(packed.code(s.tensor.storage.bytes, at), out.bytes, i)
  }
  return Tensor(out)
}

/// Adds to `facts` the elements that `op` moves into its outputs, where the elements of all its
/// `data` inputs and the contents of its other inputs are known.
func carryElements(
  _ op: any Operator, _ c: Inference, data: [Int] = [0], _ facts: [Fact]
) -> [Fact] {
  // Nothing to carry is the common case, and must cost nothing.
  guard let first = data.first, c.elements(first) != nil else { return facts }
  for f in facts {
    guard let type = f.tensorType, type.count <= Fact.maxElements else { return facts }
  }
  guard let carried = try? carry(op, c, data, facts) else { return facts }
  return carried
}

private func carry(
  _ op: any Operator, _ c: Inference, _ data: [Int], _ facts: [Fact]
) throws(EngineError) -> [Fact] {
  var pool: [Dim] = [0]
  var inputs: [Value?] = []
  for i in c.inputs.indices {
    guard let fact = c.inputs[i] else {
      inputs.append(nil)
      continue
    }
    if data.contains(i) {
      guard let elements = fact.elements, let shape = fact.shapeOfTensor,
        shape.count == elements.count
      else { return facts }
      let places = (pool.count..<pool.count + elements.count).map { Int64($0) }
      inputs.append(.tensor(try Tensor(shape: shape, places)))
      pool += elements
    } else if let t = fact.constant {
      inputs.append(.tensor(t))
    } else if let ints = fact.knownInts, let shape = fact.shapeOfTensor, shape.count == ints.count {
      let t =
        fact.dtype == .int32
        ? try Tensor(shape: shape, ints.map { Int32(truncatingIfNeeded: $0) })
        : try Tensor(shape: shape, ints.map { Int64($0) })
      inputs.append(.tensor(t))
    } else {
      return facts
    }
  }
  let results = try Eager().evaluate(op, inputs, outputs: facts.count, runner: nil)
  var carried: [Fact] = []
  for (fact, result) in zip(facts, results) {
    guard let places = try result?.asTensor(), places.dtype == .int64 else { return facts }
    var elements: [Dim] = []
    for place in places.elements(Int64.self) {
      elements.append(pool[try checked(place, pool.count)])
    }
    carried.append(Fact(integers: fact.dtype, fact.dims, elements))
  }
  return carried
}

extension Fact {
  /// A tensor of integers with what is known of its elements; with all of them known, the contents
  /// are a constant.
  init(integers dtype: DType?, _ dims: [Dim]?, _ elements: [Dim]?) {
    self.init(.tensor(dtype, dims))
    guard let elements, elements.count <= Fact.maxElements else { return }
    self.elements = elements
    guard let ints = knownInts, let shape = shapeOfTensor, shape.count == ints.count else { return }
    switch dtype {
    case .int64: constant = try? Tensor(shape: shape, ints.map { Int64($0) })
    case .int32:
      let narrow = ints.compactMap { Int32(exactly: $0) }
      if narrow.count == ints.count { constant = try? Tensor(shape: shape, narrow) }
    default: break
    }
  }

  /// The shape, where rank and all sizes are known and legal.
  var shapeOfTensor: Shape? {
    guard let dims else { return nil }
    var sizes: [Int] = []
    for d in dims {
      guard let n = d.known else { return nil }
      sizes.append(n)
    }
    return try? Shape(checking: sizes)
  }
}

/// Runs an operator whose output 0 is its input 0 under another shape, for strings.
func evaluateView(_ op: any Operator, _ e: Evaluation) throws(EngineError) -> [Value?] {
  let x = try e.tensor(0)
  var facts: [Fact?] = []
  for v in e.inputs {
    if let t = try v?.asTensor() { facts.append(Fact(constant: t)) } else { facts.append(nil) }
  }
  let results = try op.infer(Inference(inputs: facts, outputCount: e.outputCount))
  guard let type = results.first?.tensorType else {
    throw EngineError(.shape, "the sizes of the result are not settled")
  }
  return [.tensor(try x.reshaped(type.shape))]
}

extension Preparation {
  /// The integers of shape input `i`; nil where it is absent.
  ///
  /// Errors: `.internalDefect` when it is given but its values are not.
  func shapeInts(_ i: Int) throws(EngineError) -> [Int]? {
    guard has(i) else { return nil }
    guard let ints = ints(i) else {
      throw EngineError(.internalDefect, "the values of shape input \(i) are not known")
    }
    return ints
  }
}
