import Training

/// What stands between the braces of `Sequential { ... }`: layers, `if`, `for` and `switch`.
@resultBuilder public enum LayerBuilder {
  /// A layer, or a list.
  public static func buildExpression(_ layer: Layer) -> [Layer] { [layer] }
  /// A layer, or a list.
  public static func buildExpression(_ layers: [Layer]) -> [Layer] { layers }
  /// Layers one after another.
  public static func buildBlock(_ parts: [Layer]...) -> [Layer] { parts.flatMap { $0 } }
  /// `if` without `else`.
  public static func buildOptional(_ part: [Layer]?) -> [Layer] { part ?? [] }
  /// `if` and `else`, `switch`.
  public static func buildEither(first part: [Layer]) -> [Layer] { part }
  /// `if` and `else`, `switch`.
  public static func buildEither(second part: [Layer]) -> [Layer] { part }
  /// `for`.
  public static func buildArray(_ parts: [[Layer]]) -> [Layer] { parts.flatMap { $0 } }
  /// `if #available`.
  public static func buildLimitedAvailability(_ part: [Layer]) -> [Layer] { part }
}
