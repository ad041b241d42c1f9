import CDLRunHeader
import Tensors

/// A session as Python calls it: arrays in, arrays out, without ctypes and its objects between.
///
/// For sessions whose inputs and outputs are all tensors of NumPy's own types. Anything else that a
/// caller may give (lists, OrtValues, arrays that have to be copied) is the package's business: the
/// call says that it does not serve.
///
/// Used under the interpreter's lock, which it gives up while the model runs.
final class PythonSession {
  private let python: Interpreter
  private let numpy: NumPy
  private let dtypes: DTypeTable
  private let handle: SessionHandle
  private let inputNames: [PyObject]
  private let outputNames: [PyObject]
  /// Of each input.
  private let isOptional: [Bool]
  private let everyOutput: [Int]
  /// The last tuple of names, and their numbers.
  private var lastNames: PyObject?
  private var lastPlaces: [Int] = []
  /// What the outputs of the latest calls were like.
  private var known: [KnownCall] = []
  /// Not where sizes of outputs turned out to depend on more than types of inputs.
  private var offersMemory = true

  private static let mostKnown = 4
  /// From this size on the package keeps the memory of results for the next run.
  private static let largest = 31 << 20
  /// From this size on it costs more when vectors end in the next line than to make a view.
  private static let aligned = 4096
  private static let line = 64

  /// Tensors without memory.
  private final class KnownCall {
    let inputs: [dlrun_tensor]
    let places: [Int]
    let outputs: [dlrun_tensor]

    init(_ inputs: [dlrun_tensor], _ places: [Int], _ outputs: [dlrun_tensor]) {
      self.inputs = inputs
      self.places = places
      self.outputs = outputs
    }

    func serves(_ tensors: UnsafePointer<dlrun_tensor>, _ places: [Int]) -> Bool {
      for i in inputs.indices where !isSameType(tensors[i], inputs[i]) { return false }
      return self.places == places
    }
  }

  /// `inputs` and `outputs`: the names, as tuples; `dtypes` as for `DTypeTable`; `api`: NumPy's
  /// capsule. nil where the session's ports have other types.
  init?(
    _ handle: SessionHandle, inputs: PyObject, outputs: PyObject, dtypes: PyObject, api: PyObject
  ) {
    guard let python = Interpreter.shared, let numpy = NumPy(api, python),
      let inputs = python.items(of: inputs), inputs.count == handle.inputs.count,
      let outputs = python.items(of: outputs), outputs.count == handle.outputs.count,
      let dtypes = DTypeTable(dtypes, python)
    else { return nil }
    guard (handle.inputs + handle.outputs).allSatisfy({ dtypes.has($0.port) }) else {
      dtypes.release(python)
      return nil
    }
    self.python = python
    self.numpy = numpy
    self.dtypes = dtypes
    self.handle = handle
    inputNames = inputs
    outputNames = outputs
    isOptional = handle.inputs.map { $0.port.is_optional != 0 }
    everyOutput = Array(outputs.indices)
    for name in inputs + outputs { python.retain(name) }
  }

  deinit {
    for name in inputNames + outputNames { python.release(name) }
    if let lastNames { python.release(lastNames) }
    dtypes.release(python)
  }

  /// `given`: None, or a tuple of arrays that outputs are written to, None for those to be made.
  ///
  /// The list of outputs; None where the package has to do it; the status of a run that failed; NULL
  /// with an exception.
  func run(_ names: PyObject, _ feed: PyObject, _ given: PyObject) -> PyObject? {
    guard python.type(of: feed) == python.dictType,
      let places = names == python.none ? everyOutput : self.places(of: names)
    else { return elsewhere() }
    let count = inputNames.count + places.count
    return withUnsafeTemporaryAllocation(of: dlrun_tensor.self, capacity: count) { tensors in
      withUnsafeTemporaryAllocation(of: PyObject?.self, capacity: count) { objects in
        guard let tensors = tensors.baseAddress, let held = objects.baseAddress else {
          return elsewhere()
        }
        tensors.initialize(repeating: dlrun_tensor(), count: count)
        held.initialize(repeating: nil, count: count)
        let result = run(feed, given, places, tensors, held)
        for i in 0..<count { if let object = held[i] { python.release(object) } }
        return result
      }
    }
  }

  /// `held`: takes a reference to each array that the run reads or writes.
  private func run(
    _ feed: PyObject, _ given: PyObject, _ places: [Int],
    _ tensors: UnsafeMutablePointer<dlrun_tensor>, _ held: UnsafeMutablePointer<PyObject?>
  ) -> PyObject? {
    let outputs = tensors + inputNames.count
    let arrays = held + inputNames.count
    guard fill(tensors, from: feed, held),
      given == python.none || take(given, places.count, outputs, arrays)
    else { return elsewhere() }
    let known = offersMemory ? known.first { $0.serves(tensors, places) } : nil
    if let known {
      for i in places.indices where arrays[i] == nil {
        let like = known.outputs[i]
        guard like.size_bytes < PythonSession.largest, let entry = dtypes.entry(of: like.dtype)
        else { return elsewhere() }
        guard let array = newArray(like, entry) else { return nil }
        arrays[i] = array
        outputs[i] = like
        outputs[i].data = NumPy.Array(object: array).data
      }
    }
    let state = python.unlock()
    let status = attempt { () throws(EngineError) in
      try places.withUnsafeBufferPointer { p throws(EngineError) in
        try runTensors(
          handle, nil, tensors, inputNames.count, p.baseAddress, outputs, places.count)
      }
    }
    python.lock(state)
    guard status == DLRUN_OK else { return python.newInteger(Int(status.rawValue)) }
    var isComplete = true
    for i in places.indices where outputs[i].value != nil {
      if known != nil, given == python.none { offersMemory = false }
      let array = isComplete ? view(of: outputs[i]) : nil
      if array == nil {
        isComplete = false
        dlrun_value_release(outputs[i].value)
      }
      if let offered = arrays[i] { python.release(offered) }
      arrays[i] = array
    }
    guard isComplete, let list = python.newList(places.count) else { return elsewhere() }
    if known == nil, offersMemory { remember(tensors, places) }
    for i in places.indices {
      // The list takes the reference.
      _ = python.setListItem(list, i, arrays[i])
      arrays[i] = nil
    }
    return list
  }

  /// None, unless there is an exception.
  private func elsewhere() -> PyObject? { python.error() == nil ? python.nothing() : nil }

  /// The numbers of outputs; nil where one is unknown, or where `names` is neither list nor tuple.
  private func places(of names: PyObject) -> [Int]? {
    if names == lastNames { return lastPlaces }
    guard let items = python.items(of: names), !items.isEmpty else { return nil }
    var places: [Int] = []
    for (i, name) in items.enumerated() {
      // Callers mostly name them in the model's order.
      if i < outputNames.count, outputNames[i] == name {
        places.append(i)
        continue
      }
      guard python.type(of: name) == python.stringType,
        let place = outputNames.firstIndex(where: {
          python.compare($0, name, Interpreter.equal) == 1
        })
      else { return nil }
      places.append(place)
    }
    // A tuple stays as it is, as long as there is a reference to it.
    if python.type(of: names) == python.tupleType {
      python.retain(names)
      if let lastNames { python.release(lastNames) }
      (lastNames, lastPlaces) = (names, places)
    }
    return places
  }

  /// The feed's arrays as tensors; false where one is missing, unknown, or cannot be read in place.
  private func fill(
    _ tensors: UnsafeMutablePointer<dlrun_tensor>, from feed: PyObject,
    _ held: UnsafeMutablePointer<PyObject?>
  ) -> Bool {
    var found = 0
    for i in inputNames.indices {
      guard let object = python.dictItem(feed, inputNames[i]) else {
        guard isOptional[i], python.error() == nil else { return false }
        continue
      }
      guard hold(object, &tensors[i], &held[i]) else { return false }
      found += 1
    }
    return found == python.dictSize(feed)
  }

  /// The arrays to write to; false where one cannot be written in place.
  private func take(
    _ given: PyObject, _ count: Int, _ tensors: UnsafeMutablePointer<dlrun_tensor>,
    _ held: UnsafeMutablePointer<PyObject?>
  ) -> Bool {
    guard python.type(of: given) == python.tupleType, python.tupleSize(given) == count
    else { return false }
    for i in 0..<count {
      guard let object = python.tupleItem(given, i) else { return false }
      if object != python.none, !hold(object, &tensors[i], &held[i]) { return false }
    }
    return true
  }

  /// An array as a tensor, with a reference to it; false for anything that is not read and written
  /// in place.
  private func hold(
    _ object: PyObject, _ tensor: inout dlrun_tensor, _ held: inout PyObject?
  ) -> Bool {
    guard let array = numpy.array(object), array.isInPlace, array.rank <= 8,
      let entry = dtypes.entry(of: array.dtype)
    else { return false }
    python.retain(object)
    held = object
    tensor.dtype = entry.code
    tensor.rank = UInt32(array.rank)
    tensor.data = array.data
    var bytes = entry.size
    if let shape = array.shape {
      withUnsafeMutableBytes(of: &tensor.shape) { sizes in
        for axis in 0..<Int(array.rank) {
          sizes.storeBytes(of: Int64(shape[axis]), toByteOffset: 8 * axis, as: Int64.self)
          bytes = bytes &* shape[axis]
        }
      }
    }
    tensor.size_bytes = bytes
    return true
  }

  /// Large ones begin with a line of the cache; NumPy's own memory lies at any multiple of 16 bytes.
  private func newArray(_ like: dlrun_tensor, _ entry: DTypeTable.Entry) -> PyObject? {
    guard like.size_bytes >= PythonSession.aligned, let bytes = dtypes.entry(of: DLRUN_UINT8) else {
      return withShape(of: like) { numpy.new(entry.dtype, like.rank, $0) }
    }
    var count = like.size_bytes + PythonSession.line
    guard let room = numpy.new(bytes.dtype, 1, &count) else { return nil }
    guard let start = NumPy.Array(object: room).data else {
      python.release(room)
      return nil
    }
    return withShape(of: like) {
      numpy.view(
        entry.dtype, like.rank, $0, over: start.alignedUp(toMultipleOf: PythonSession.line),
        of: room)
    }
  }

  /// An array over the memory in which an output came; nil, with an exception, where that is
  /// impossible.
  private func view(of output: dlrun_tensor) -> PyObject? {
    guard let entry = dtypes.entry(of: output.dtype),
      let owner = python.newCapsule(
        UnsafeMutableRawPointer(output.value), nil,
        { capsule in
          let value = Interpreter.shared?.capsuleContent(capsule, nil)
          dlrun_value_release(value.map { OpaquePointer($0) })
        })
    else { return nil }
    return withShape(of: output) {
      numpy.view(entry.dtype, output.rank, $0, over: output.data ?? Storage.empty, of: owner)
    }
  }

  private func withShape(
    of tensor: dlrun_tensor, _ body: (UnsafePointer<Int>) -> PyObject?
  ) -> PyObject? {
    withUnsafeBytes(of: tensor.shape) { bytes in
      bytes.baseAddress.flatMap { body($0.assumingMemoryBound(to: Int.self)) }
    }
  }

  private func remember(_ tensors: UnsafePointer<dlrun_tensor>, _ places: [Int]) {
    func like(_ i: Int) -> dlrun_tensor {
      var tensor = tensors[i]
      tensor.data = nil
      tensor.value = nil
      return tensor
    }
    if known.count >= PythonSession.mostKnown { known.removeFirst() }
    known.append(
      KnownCall(
        inputNames.indices.map(like), places, places.indices.map { like(inputNames.count + $0) }))
  }
}
