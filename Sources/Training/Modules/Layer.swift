import Tensors

/// A piece of a network: a function of tensors with parameters whose shapes follow from its input.
///
/// A subclass writes `forward`, and where it has parameters, `build`. Layers are built once, by the
/// model that holds them or by their first call, and say at once what they do not accept.
///
/// ```swift
/// final class Scale: Layer {
///   let factor = Parameter.pending()
///   override func build(_ shape: LayerShape) throws(EngineError) {
///     factor.value = try .ones([try size(of: shape, -1)])
///   }
///   override func forward(_ x: Tensor) throws -> Tensor { try x * factor.value }
/// }
/// ```
///
/// - Shapes: without an `outputShape` of its own a layer is run on zeros to find out.
/// - Names: `name` takes the place of the number in the paths of parameters and in `module(_:)`.
open class Layer: Module {
  /// A name of its own; nil for its number in the model.
  public var name: String?
  /// The element type of parameters and of what it computes.
  public var dtype: DType = LayerDefaults.dtype
  /// What it was built for; nil before.
  public private(set) var inputShapes: [LayerShape]?
  /// The shapes of its outputs when it was prepared last; nil before.
  public private(set) var preparedShapes: [LayerShape]?
  /// Whether shapes are looked at because of a call, which itself will say what does not fit.
  var isCalled = false
  private var hooks: [(Tensor, Tensor) throws -> Void] = []

  /// Makes parameters for inputs of a shape. Overridden by layers of one input.
  open func build(_ shape: LayerShape) throws(EngineError) {}
  /// Makes parameters for inputs of these shapes. Overridden by layers of several inputs.
  open func build(all shapes: [LayerShape]) throws(EngineError) {
    if let only = shapes.first, shapes.count == 1 { try build(only) }
  }

  /// The shape of the output, without data.
  ///
  /// Errors: `.shape`, `.arity`, `.dtype` for inputs that the layer does not accept.
  open func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard let only = try probe([shape]).first else {
      throw EngineError(.arity, "the layer has no output")
    }
    return only
  }
  /// The shapes of all outputs.
  open func outputShapes(for shapes: [LayerShape]) throws(EngineError) -> [LayerShape] {
    if let only = shapes.first, shapes.count == 1 { return [try outputShape(for: only)] }
    return try probe(shapes)
  }

  /// The layer's function of one input. Overridden.
  open func forward(_ x: Tensor) throws -> Tensor { x }
  /// The layer's function of several inputs. Overridden by layers that take some.
  open func forward(all xs: [Tensor]) throws -> Tensor {
    guard let only = xs.first, xs.count == 1 else {
      throw EngineError(
        .arity, "the layer takes one input", expected: "1", received: "\(xs.count)")
    }
    return try forward(only)
  }
  /// Whether the output has the mask of the first input.
  open var passesMask: Bool { false }
  /// The layer's function with masks and several results. Overridden by layers that need them.
  open func run(_ input: LayerInput) throws -> LayerOutput {
    LayerOutput(try forward(all: input.values), mask: passesMask ? input.mask : nil)
  }

  /// What the layer was made with, by name: for `summary` and files.
  open var configuration: [(name: String, value: String)] { [] }

  /// Runs the layer on one input.
  ///
  /// Errors: those of the layer, with its path.
  public func callAsFunction(
    _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Tensor { try self(masked: [x], file: file, line: line).value }

  /// Runs the layer on several inputs.
  public func callAsFunction(
    _ xs: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> Tensor { try self(masked: xs, file: file, line: line).value }

  /// Runs the layer with masks, giving all results.
  ///
  /// - `masks`: bool `[N, T]` or nil for each input: true where a step counts.
  public func callAsFunction(
    masked xs: [Tensor], _ masks: [Tensor?] = [], file: StaticString = #fileID,
    line: UInt = #line
  ) throws -> LayerOutput {
    do {
      try check(xs)
      return try scoped {
        let y = try run(LayerInput(xs, masks))
        if let x = xs.first { for hook in hooks { try hook(x, y.value) } }
        return y
      }
    } catch let error as EngineError {
      let isKnown = error.subject.node != nil || error.subject.operatorName != nil
      let told = isKnown ? error : error.at(node: label, operatorName: "\(type(of: self))")
      throw told.atCaller(file, line)
    }
  }

  /// Has `hook` look at the first input and output of each call.
  public func onForward(_ hook: @escaping (_ input: Tensor, _ output: Tensor) throws -> Void) {
    hooks.append(hook)
  }

  /// Builds the layer for inputs of these shapes unless it is built; the shapes of its outputs.
  ///
  /// Errors: those of `build` and `outputShapes`, with the layer's path.
  @discardableResult
  public func prepare(for shapes: [LayerShape]) throws(EngineError) -> [LayerShape] {
    do throws(EngineError) {
      if inputShapes == nil {
        try build(all: shapes)
        inputShapes = shapes
      }
      let outputs = try outputShapes(for: shapes)
      if !isCalled { preparedShapes = outputs }
      return outputs
    } catch {
      throw error.at(node: label, operatorName: "\(type(of: self))")
    }
  }

  /// The path in the model, or the name, or nil.
  private var label: String? { path.isEmpty ? name : path }

  private func check(_ xs: [Tensor]) throws(EngineError) {
    if let known = inputShapes, known.count == xs.count {
      var fit = true
      for (x, shape) in zip(xs, known) where !shape.fits(x.shape) { fit = false }
      if fit { return }
    }
    // The first axis may have another size in the next batch.
    let shapes = xs.map { x in
      LayerShape(x.shape.array.enumerated().map { $0.offset == 0 ? nil : $0.element })
    }
    isCalled = true
    defer { isCalled = false }
    try prepare(for: shapes)
  }
}

extension LayerShape {
  func fits(_ shape: Shape) -> Bool {
    guard sizes.count == shape.rank else { return false }
    for (i, size) in sizes.enumerated() { if let size, size != shape[i] { return false } }
    return true
  }
}

/// What layers have unless they are told otherwise.
public enum LayerDefaults {
  /// The element type of new layers: float32, or what the surrounding
  /// `LayerDefaults.$dtype.withValue(.float64) { ... }` says.
  @TaskLocal public static var dtype: DType = .float32
}
