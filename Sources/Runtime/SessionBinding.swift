import Graphs
import Tensors

extension Session {
  /// Memory of the caller that one run reads its inputs from and writes its outputs to, without a
  /// copy of either.
  ///
  /// The compiler sees to it that the memory outlives the binding and is not used meanwhile: a
  /// binding can neither escape the scope of what was lent to it nor be kept, and outputs can be
  /// read once it has run.
  ///
  /// ```swift
  /// var binding = Session.Binding(session)
  /// try binding.input("x", numbers.span, shape: [1, 4])
  /// try binding.output("y", into: probabilities.mutableSpan)
  /// try binding.run()
  /// ```
  ///
  /// An `UnsafeBufferPointer` lends its `span`, an `UnsafeMutableBufferPointer` its `mutableSpan`.
  /// Elements are taken at any address; operators are fastest at multiples of 64 bytes.
  public struct Binding: ~Copyable, ~Escapable {
    private let session: Session
    private var inputs: [Value?]
    private var targets: [Tensor?]

    @_lifetime(immortal)
    public init(_ session: Session) {
      self.session = session
      inputs = [Value?](repeating: nil, count: session.inputs.count)
      targets = [Tensor?](repeating: nil, count: session.outputs.count)
    }

    /// Lends an input's elements, in row-major order.
    ///
    /// - `shape`: nil for the declared one; one size that the model leaves open follows from the
    ///   number of elements.
    /// - Errors: `.usage` for an unknown name or when several sizes are open; `.dtype`; `.shape`.
    @_lifetime(self: copy self, copy elements)
    public mutating func input<T: Element>(
      _ name: String, _ elements: Span<T>, shape: Shape? = nil
    ) throws(EngineError) {
      let place = try session.inputPlace(name)
      let type = try session.inputs[place].type(
        of: T.dtype, count: elements.count, shape, "input")
      let tensor = elements.withUnsafeBytes { Tensor(lending: $0, type) }
      try session.inputs[place].check(.tensor(tensor))
      inputs[place] = .tensor(tensor)
    }

    /// Lends an input's bytes: for elements that have no Swift type, or that come from outside.
    ///
    /// Errors: as the other; `.shape` when there are not as many bytes as `type` takes.
    @_lifetime(self: copy self, copy bytes)
    public mutating func input(
      _ name: String, bytes: RawSpan, type: TensorType
    ) throws(EngineError) {
      let place = try session.inputPlace(name)
      let shape = try Shape(checking: type.shape.array)
      guard type.dtype != .string, type.dtype.byteCount(of: shape.count) == bytes.byteCount else {
        throw EngineError(
          .shape, "the bytes of input '\(name)' are no \(type)",
          expected: type.dtype == .string ? "numbers" : "\(type.byteCount) bytes",
          received: "\(bytes.byteCount) bytes")
      }
      let tensor = bytes.withUnsafeBytes { Tensor(lending: $0, type) }
      try session.inputs[place].check(.tensor(tensor))
      inputs[place] = .tensor(tensor)
    }

    /// An input that owns its memory.
    ///
    /// Errors: `.usage` for an unknown name; `.dtype`; `.shape`.
    @_lifetime(self: copy self)
    public mutating func input(_ name: String, _ value: Value) throws(EngineError) {
      let place = try session.inputPlace(name)
      try session.inputs[place].check(value)
      inputs[place] = value
    }

    /// Lends memory for all elements of an output, in row-major order.
    ///
    /// - `shape`: as for inputs.
    /// - Errors: `.usage` for an unknown name or when several sizes are open; `.dtype`; `.shape`.
    ///   That the result has this shape is seen by `run`.
    @_lifetime(self: copy self, copy elements)
    public mutating func output<T: Element>(
      _ name: String, into elements: consuming MutableSpan<T>, shape: Shape? = nil
    ) throws(EngineError) {
      guard let place = session.outputs.firstIndex(where: { $0.name == name }) else {
        throw EngineError(
          .usage, "the model has no output '\(name)'",
          expected: session.outputs.map { "'\($0.name)'" }.joined(separator: ", "))
      }
      let type = try session.outputs[place].type(
        of: T.dtype, count: elements.count, shape, "output")
      targets[place] = elements.withUnsafeMutableBytes {
        Tensor(lending: UnsafeRawBufferPointer($0), type)
      }
    }

    /// Runs the model and gives the outputs that no memory was lent for.
    ///
    /// - Errors: as `Session.run`; `.shape` when an output does not fit its memory, whose contents
    ///   are then undefined.
    @discardableResult
    public consuming func run(
      control: RunControl? = nil, profiler: Profiler? = nil
    ) throws(EngineError) -> Outputs {
      let results = try session.run(
        ordered: inputs, into: targets, control: control, profiler: profiler)
      let made = targets.indices.filter { targets[$0] == nil }
      return Outputs(
        names: made.map { session.outputs[$0].name }, values: made.map { results[$0] })
    }
  }
}

extension Session.Port {
  /// The type of `count` elements that are to be this input or output.
  fileprivate func type(
    of dtype: DType, count: Int, _ given: Shape?, _ role: String
  ) throws(EngineError) -> TensorType {
    guard case .tensor(let declared, let dims) = type else {
      throw EngineError(
        .dtype, "\(role) '\(name)' is of the wrong kind", expected: type.text,
        received: "elements of \(dtype)")
    }
    if let declared, declared != dtype {
      throw EngineError(
        .dtype, "\(role) '\(name)' has the wrong element type", expected: "\(declared)",
        received: "\(dtype)")
    }
    let shape: Shape
    if let given {
      shape = try Shape(checking: given.array)
    } else {
      shape = try declaredShape(dims, count, role)
    }
    guard shape.count == count else {
      throw EngineError(
        .shape, "wrong number of elements for \(role) '\(name)' of shape \(shape)",
        expected: "\(shape.count)", received: "\(count)")
    }
    return TensorType(dtype, shape)
  }

  /// The declared sizes, one open size worked out from `count`.
  private func declaredShape(
    _ dims: [Dim]?, _ count: Int, _ role: String
  ) throws(EngineError) -> Shape {
    guard let dims, dims.count(where: { $0.known == nil }) <= 1 else {
      throw EngineError(
        .usage, "the model leaves the shape of \(role) '\(name)' open", expected: type.text,
        hint: "say the shape")
    }
    let others = try Shape(checking: dims.compactMap(\.known)).count
    let open = others > 0 ? count / others : 0
    return try Shape(checking: dims.map { $0.known ?? open })
  }
}

extension Tensor {
  /// Elements in memory that somebody else keeps alive.
  fileprivate init(lending bytes: UnsafeRawBufferPointer, _ type: TensorType) {
    let base = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) }
    self.init(Storage(type, borrowing: base ?? Storage.empty, owner: nil))
  }
}
