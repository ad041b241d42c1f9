import Compiler
import Graphs
import Operators
import Tensors

/// Changes to a model that keep what it computes: another opset, another floating type, other
/// sizes, other names, a part of it.
///
/// ```swift
/// var edits = ModelEdits()
/// edits.dtype = .float16
/// edits.shapes = [("image", [1, 3, 224, 224])]
/// let notes = try edits.apply(to: &model)
/// ```
public struct ModelEdits: Sendable {
  /// The opset of ai.onnx to write; nil: the model's own.
  public var opset: Int?
  /// The type of all floats of 16 and 32 bits: float16, bfloat16 or float32. See
  /// `PrecisionConversion`.
  public var dtype: DType?
  /// Whether inputs and outputs get the type `dtype` as well, instead of casts beside them.
  public var convertsPorts = false
  /// Sizes of inputs, symbols for those that stay open; a nil name means the only input.
  public var shapes: [(name: String?, dims: [Dim])] = []
  /// New names of values: inputs, outputs and what nodes make.
  public var renames: [(old: String, new: String)] = []
  /// Names of the values between which the graph is cut out; empty: where it begins and ends.
  public var inputs: [String] = []
  public var outputs: [String] = []
  /// Whether calls of local functions become the functions' nodes.
  public var inlinesFunctions = false

  public init() {}

  /// Whether nothing is asked for.
  public var isEmpty: Bool {
    opset == nil && dtype == nil && shapes.isEmpty && renames.isEmpty && inputs.isEmpty
      && outputs.isEmpty && !inlinesFunctions
  }

  /// Whether nothing but names is to change.
  private var isEmptyButNames: Bool {
    var rest = self
    rest.renames = []
    return rest.isEmpty
  }

  /// Changes `model` and gives what its user should know. The result is checked as a reader would.
  ///
  /// - Errors: `.usage` for names and types that do not exist; `.unsupported` for nodes without a
  ///   form in the opset; `.shape` for sizes that do not fit together.
  public func apply(
    to model: inout ModelGraph, operators: OperatorSet = .builtIn
  ) throws(EngineError) -> [String] {
    if isEmpty { return [] }
    var notes: [String] = []
    // Functions are of an opset of their own, and hide values.
    if !model.functions.isEmpty, inlinesFunctions || renames.isEmpty || !isEmptyButNames {
      notes.append("\(model.functions.count) local functions written out")
      model = try model.respelled(opset: model.opset("") ?? 13, operators: operators)
    }
    if !inputs.isEmpty || !outputs.isEmpty {
      try SubgraphExtraction(inputs: inputs, outputs: outputs).apply(to: &model, operators)
    }
    if !shapes.isEmpty { try PortShapes(shapes).apply(to: &model, operators) }
    if let wanted = try wantedOpset(of: model, &notes) {
      model = try model.respelled(opset: wanted, operators: operators)
    }
    if let dtype {
      var conversion = try PrecisionConversion(to: dtype, convertsPorts: convertsPorts, operators)
      notes += try conversion.apply(to: &model)
    }
    try Renaming(renames).apply(to: &model)
    try model.check(operators)
    return notes
  }

  /// The opset to write, which the floating type may ask for.
  ///
  /// Errors: `.usage` where the opset asked for lacks the type.
  private func wantedOpset(
    of model: ModelGraph, _ notes: inout [String]
  ) throws(EngineError) -> Int? {
    guard let dtype, let least = PrecisionConversion.leastOpset[dtype] else { return opset }
    if let opset {
      guard opset >= least else {
        throw EngineError(
          .usage, "opset \(opset) cannot be written in \(dtype)", expected: "\(least) or later")
      }
      return opset
    }
    guard let current = model.opset(""), current < least else { return nil }
    notes.append("opset raised from \(current) to \(least), the first with \(dtype) throughout")
    return least
  }
}
