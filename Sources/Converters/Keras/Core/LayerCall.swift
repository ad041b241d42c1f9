import Formats
import Graphs
import Operators
import Tensors

/// One application of a layer: its arguments, its weights, and the graph being recorded.
struct LayerCall {
  let b: ConversionBuilder
  let object: KerasObject
  let arguments: [KerasValue]
  let keywords: [(key: String, value: KerasValue)]
  /// The dtype of layers that have none of their own.
  var outerType: DType = .float32

  var dtype: DType { object.computeType ?? outerType }
  var name: String { object.name }

  // MARK: Arguments

  /// The argument at `index`, or under `key`; nil where it is absent or null.
  func argument(_ index: Int, _ key: String = "") -> KerasValue? {
    if index < arguments.count { return arguments[index].isNull ? nil : arguments[index] }
    guard let found = keywords.first(where: { $0.key == key })?.value, !found.isNull else {
      return nil
    }
    return found
  }

  /// The first argument as one tensor, as the file has it.
  ///
  /// Errors: `.malformed` where it is none.
  func raw(_ index: Int = 0, _ key: String = "inputs") throws(EngineError) -> KerasTensor {
    guard let value = argument(index, key), let first = value.tensors.first,
      value.tensors.count == 1
    else { throw EngineError(.malformed, "layer '\(name)' is not called with one tensor") }
    return first
  }

  /// The first argument as one tensor, floats cast to the layer's dtype as Keras does.
  func input(_ index: Int = 0, _ key: String = "inputs") throws(EngineError) -> KerasTensor {
    try cast(try raw(index, key))
  }

  /// All tensors of the first argument, floats cast.
  func inputs(_ key: String = "inputs") throws(EngineError) -> [KerasTensor] {
    guard let value = argument(0, key) else {
      throw EngineError(.malformed, "layer '\(name)' is called without tensors")
    }
    var list: [KerasTensor] = []
    for tensor in value.tensors { list.append(try cast(tensor)) }
    return list
  }

  /// Floats of another width cast to the layer's dtype.
  func cast(_ t: KerasTensor) throws(EngineError) -> KerasTensor {
    guard let found = b.dtype(t.id), found.isFloat, dtype.isFloat, found != dtype else { return t }
    return KerasTensor(try cast(t.id, to: dtype), mask: t.mask)
  }

  /// Anything but strings, cast to the layer's dtype.
  func numeric(_ t: KerasTensor) throws(EngineError) -> KerasTensor {
    KerasTensor(try cast(t.id, to: dtype), mask: t.mask)
  }

  /// The plain value of argument `index`, or of the configuration's member `key`.
  func plain(_ index: Int, _ key: String) -> JSONValue? {
    argument(index, key)?.plain ?? object.config[key]
  }

  // MARK: Weights

  /// Variable `index` in the layer's dtype; nil where the file has none.
  func optionalWeight(_ index: Int) throws(EngineError) -> ValueID? {
    if let known = object.values["\(index) "] { return known }
    guard index < object.weights.count, let weight = object.weights[index] else { return nil }
    return try self.weight(try weight.tensor(), index, form: "")
  }

  /// Errors: `.malformed` where the file has none.
  func weight(_ index: Int) throws(EngineError) -> ValueID {
    if let known = object.values["\(index) "] { return known }
    return try weight(try tensor(index), index, form: "")
  }

  func tensor(_ index: Int) throws(EngineError) -> Tensor {
    guard index < object.weights.count, let weight = object.weights[index] else {
      let list = object.layer.variables
      throw EngineError(
        .malformed,
        "layer '\(name)' has no weight "
          + (index < list.count ? "'\(list[index].name)'" : "\(index)"))
    }
    return try weight.tensor()
  }

  /// Variable `index` laid out otherwise; `form` names how, so that calls of a shared layer use one.
  func weight(
    _ index: Int, form: String, _ change: (Tensor) throws(EngineError) -> Tensor
  ) throws(EngineError) -> ValueID {
    let key = "\(index) \(form)"
    if let known = object.values[key] { return known }
    let source = try tensor(index)
    let made = try change(source)
    // Its pages in the file are not needed beside what was made of them.
    if made.storage !== source.storage { source.storage.releasePages() }
    return try weight(made, index, form: form)
  }

  /// Variable `index`, or what `change` makes of it, in a dtype other than the layer's.
  func weight(
    _ index: Int, as dtype: DType, form: String = "",
    _ change: (Tensor) throws(EngineError) -> Tensor = { (w) throws(EngineError) in w }
  ) throws(EngineError) -> ValueID {
    try weight(index, form: "\(form) as \(dtype)") { (w) throws(EngineError) in
      let made = try change(w)
      return made.dtype == dtype ? made : try Eager().apply(Cast(to: dtype), made)
    }
  }

  private func weight(_ tensor: Tensor, _ index: Int, form: String) throws(EngineError) -> ValueID {
    let key = "\(index) \(form)"
    if let known = object.values[key] { return known }
    let scope = b.scope.isEmpty ? name : b.scope
    let list = object.layer.variables
    let suffix = index < list.count ? list[index].name : "\(index)"
    var made = b.weight("\(scope)/\(suffix)", tensor)
    if tensor.dtype.isFloat, dtype.isFloat, !form.contains(" as ") {
      made = try cast(made, to: dtype)
    }
    object.values[key] = made
    return made
  }

  // MARK: Results

  /// A result that carries on the mask of `x`.
  func pass(_ x: KerasTensor, _ id: ValueID) -> KerasValue {
    .tensor(KerasTensor(id, mask: x.mask))
  }

  /// Another layer applied within this one, under its own name.
  func apply(
    _ inner: KerasObject, _ arguments: [KerasValue],
    _ keywords: [(key: String, value: KerasValue)] = []
  ) throws(EngineError) -> KerasValue {
    let outer = b.scope
    b.scope = outer.isEmpty ? inner.name : "\(outer)/\(inner.name)"
    defer { b.scope = outer }
    do throws(EngineError) {
      return try inner.layer.convert(
        LayerCall(
          b: b, object: inner, arguments: arguments, keywords: keywords, outerType: dtype))
    } catch { throw error.at(node: b.scope, operatorName: inner.className) }
  }

  func unsupported(_ message: String) -> EngineError {
    EngineError(.unsupported, "layer '\(name)': \(message)")
  }
}
