import Tensors
import Training

/// A tensor that will be: what `Input` and layers called on symbols give, for
/// `Model(inputs:outputs:)`.
///
/// ```swift
/// let x = Input(shape: [16])
/// let h = try Dense(16, activation: .relu)(x)
/// let model = try Model(inputs: x, outputs: Dense(4)(h + x))
/// ```
public struct Symbol {
  let source: SymbolSource
  /// Which of the source's outputs.
  let place: Int
  /// What it will be.
  public let shape: LayerShape

  init(_ source: SymbolSource, _ place: Int, _ shape: LayerShape) {
    self.source = source
    self.place = place
    self.shape = shape
  }

  /// Errors of `+` and its like are kept, and thrown by what uses the symbol.
  static func failed(_ error: EngineError, _ shape: LayerShape) -> Symbol {
    Symbol(SymbolSource(layer: nil, inputs: [], failure: error), 0, shape)
  }
}

/// A layer's use, or an input.
final class SymbolSource {
  /// Nil for an input.
  let layer: Layer?
  let inputs: [Symbol]
  let name: String?
  let failure: EngineError?

  init(layer: Layer?, inputs: [Symbol], name: String? = nil, failure: EngineError? = nil) {
    self.layer = layer
    self.inputs = inputs
    self.name = name
    self.failure = failure
  }
}

/// An input of a model to be: the sizes of a sample, nil where one varies, the batch left out.
public func Input(shape: [Int?], name: String? = nil) -> Symbol {
  Symbol(SymbolSource(layer: nil, inputs: [], name: name), 0, LayerShape(batchOf: shape))
}

extension Layer {
  /// The layer used on a symbol. It is built at once; used again it shares its weights.
  ///
  /// Errors: those of the layer, with this line.
  public func callAsFunction(
    _ x: Symbol, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Symbol { try self(all: [x], file: file, line: line)[0] }

  /// The layer used on several symbols.
  public func callAsFunction(
    _ xs: [Symbol], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Symbol { try self(all: xs, file: file, line: line)[0] }

  /// The layer used on several symbols; all its outputs.
  public func callAsFunction(
    all xs: [Symbol], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> [Symbol] {
    do throws(EngineError) {
      for x in xs { if let failure = x.source.failure { throw failure } }
      let shapes = try prepare(for: xs.map(\.shape))
      let source = SymbolSource(layer: self, inputs: xs)
      return shapes.enumerated().map { Symbol(source, $0.offset, $0.element) }
    } catch { throw error.at(file: "\(file)", line: Int(line)) }
  }
}

extension Symbol {
  /// The sum; shapes that do not fit are reported by what uses it, or by the model.
  public static func + (a: Symbol, b: Symbol) -> Symbol { joined(Add(), a, b) }
  /// Element by element; see `+`.
  public static func - (a: Symbol, b: Symbol) -> Symbol { joined(Subtract(), a, b) }
  /// Element by element; see `+`.
  public static func * (a: Symbol, b: Symbol) -> Symbol { joined(Multiply(), a, b) }
  /// Element by element; see `+`.
  public static func + (a: Symbol, b: Double) -> Symbol { changed(a) { try $0 + b } }
  /// Element by element; see `+`.
  public static func - (a: Symbol, b: Double) -> Symbol { changed(a) { try $0 - b } }
  /// Element by element; see `+`.
  public static func * (a: Symbol, b: Double) -> Symbol { changed(a) { try $0 * b } }
  /// Element by element; see `+`.
  public static func / (a: Symbol, b: Double) -> Symbol { changed(a) { try $0 / b } }

  private static func joined(_ layer: Layer, _ a: Symbol, _ b: Symbol) -> Symbol {
    do throws(EngineError) {
      for x in [a, b] { if let failure = x.source.failure { throw failure } }
      let shape = try layer.prepare(for: [a.shape, b.shape])[0]
      return Symbol(SymbolSource(layer: layer, inputs: [a, b]), 0, shape)
    } catch { return .failed(error, a.shape) }
  }

  private static func changed(_ a: Symbol, _ body: @escaping (Tensor) throws -> Tensor) -> Symbol {
    if a.source.failure != nil { return a }
    return Symbol(SymbolSource(layer: Pointwise(body), inputs: [a]), 0, a.shape)
  }
}

/// A function that keeps the shape.
private final class Pointwise: Layer {
  private let body: (Tensor) throws -> Tensor
  init(_ body: @escaping (Tensor) throws -> Tensor) {
    self.body = body
    super.init()
  }
  override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape { shape }
  override var passesMask: Bool { true }
  override func forward(_ x: Tensor) throws -> Tensor { try body(x) }
}
