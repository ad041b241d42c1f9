import Tensors
import Training

/// A linear map in index notation: `activation(einsum(equation, x, kernel) + bias)`.
///
/// - `equation`: two terms and a result, such as `abc,cd->abd` or `...x,xy->...y`.
/// - `outputSizes`: the result's sizes behind the batch axis, nil where they come from the input.
/// - `biasAxes`: letters of the result that the bias has, none for no bias.
/// - Errors: `.attribute` for an equation of another form; `.shape` where a size is not known.
/// - Source: Keras 3 EinsumDense.
public final class EinsumDense: Layer {
  /// The linear map in index notation.
  public let equation: String
  /// The output's sizes behind the batch.
  public let outputSizes: [Int?]
  /// Letters of the axes that the bias has.
  public let biasAxes: String
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// Weights of the input.
  public let kernel = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  private let kernelInitializer: Initializer
  private let biasInitializer: Initializer

  public init(
    _ equation: String, outputSizes: [Int?], biasAxes: String = "",
    activation: ActivationFunction = .linear, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.equation = equation
    self.outputSizes = outputSizes
    self.biasAxes = biasAxes
    self.activation = activation
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    bias = biasAxes.isEmpty ? nil : .pending()
    super.init()
  }

  private struct Terms {
    let input: [Character]
    let kernel: [Character]
    let output: [Character]
  }

  /// The terms with the letters of an ellipsis left out: `...` stands for leading axes.
  private func terms() throws(EngineError) -> Terms {
    let text = equation.filter { $0 != " " }
    let sides = text.split(separator: ">", omittingEmptySubsequences: false)
    let left = (sides.first ?? "").dropLast().split(
      separator: ",", omittingEmptySubsequences: false)
    guard sides.count == 2, text.contains("->"), left.count == 2 else {
      throw EngineError(
        .attribute, "no equation of a linear map", expected: "input,kernel->output",
        received: "'\(equation)'")
    }
    return Terms(input: Array(left[0]), kernel: Array(left[1]), output: Array(sides[1]))
  }

  /// Sizes by letter, from the input's shape and the output's sizes.
  private func sizes(_ shape: LayerShape) throws(EngineError) -> [Character: Int] {
    let t = try terms()
    var sizes: [Character: Int] = [:]
    let input = t.input.filter { $0 != "." }
    let output = t.output.filter { $0 != "." }
    for (i, letter) in input.reversed().enumerated() { sizes[letter] = shape[-1 - i] }
    for (i, letter) in output.reversed().enumerated() where sizes[letter] == nil {
      let j = outputSizes.count - 1 - i
      if j >= 0, let n = outputSizes[j] { sizes[letter] = n }
    }
    return sizes
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    let (t, known) = (try terms(), try sizes(shape))
    var lengths: [Int] = []
    for letter in t.kernel {
      guard let n = known[letter] else {
        throw EngineError(
          .shape, "the size of axis '\(letter)' of the kernel is not known",
          expected: "a size in the input or in outputSizes", received: "\(shape)")
      }
      lengths.append(n)
    }
    var (fanIn, fanOut) = (1, 1)
    for (letter, n) in zip(t.kernel, lengths) {
      if t.input.contains(letter) { fanIn *= n }
      if t.output.contains(letter) { fanOut *= n }
    }
    try start(kernel, lengths, kernelInitializer, fans: .init(fanIn, fanOut))
    guard let bias else { return }
    var biasSizes: [Int] = []
    let output = t.output.filter { $0 != "." }
    guard let first = output.firstIndex(where: { biasAxes.contains($0) }) else {
      throw EngineError(
        .attribute, "no axis of the bias is one of the output", expected: "letters of '\(output)'",
        received: "'\(biasAxes)'")
    }
    for letter in output[first...] {
      biasSizes.append(biasAxes.contains(letter) ? known[letter] ?? 1 : 1)
    }
    try start(bias, biasSizes, biasInitializer)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let t = try terms()
    let known = try sizes(shape)
    let input = t.input.filter { $0 != "." }
    let hasDots = t.input.contains(".")
    guard hasDots ? shape.rank >= input.count : shape.rank == input.count else {
      throw EngineError(
        .shape, "the input does not fit '\(equation)'",
        expected: "rank \(input.count)\(hasDots ? " or more" : "")", received: "\(shape)")
    }
    for (i, letter) in t.kernel.enumerated() where t.input.contains(letter) {
      if let n = known[letter], n != kernel.value.shape[i] {
        throw EngineError(
          .shape, "axis '\(letter)' of the input has the wrong size",
          expected: "\(kernel.value.shape[i])", received: "\(n) in \(shape)")
      }
    }
    var result: [Int?] = hasDots ? Array(shape.sizes.prefix(shape.rank - input.count)) : []
    for letter in t.output where letter != "." { result.append(known[letter]) }
    return LayerShape(result)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let y = try einsum(equation, x, kernel.value)
    guard let bias else { return try activation(y) }
    return try activation(y + bias.value)
  }
}
