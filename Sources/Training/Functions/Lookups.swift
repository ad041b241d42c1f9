import Graphs
import Operators
import Tensors

// Keys and words: functions of strings and whole numbers that no gradient flows through.

extension Tensor {
  /// Each element replaced by the value beside its key.
  ///
  /// - `keys`: strings or int64, one axis. `values`: int64, float32 or strings, as many.
  ///   `fallback`: one value for elements that are no key.
  /// - Errors: `.attribute` where keys and values differ in number; `.dtype` for elements of
  ///   another type than the keys.
  public func lookedUp(
    _ keys: Tensor, values: Tensor, fallback: Tensor, file: StaticString = #fileID,
    line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      LabelEncoder(keys: keys, values: values, fallback: fallback), self, file, line
    )
  }

  /// Strings `[N]` in lower case, by Unicode's rules.
  ///
  /// Errors: `.dtype`, `.shape`.
  public func lowercased(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(StringNormalizer(action: "LOWER"), self, file, line)
  }

  /// Strings cut at white space, `[..., most]`, padded with empty ones.
  ///
  /// Errors: `.dtype`.
  public func words(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(StringSplit(), [self], outputs: 2, file, line)[0]
  }
}

/// Says that what follows cannot be a part of a graph, while one is captured.
///
/// Errors: `.unsupported`, with `what` and `hint`.
public func refuseCapture(_ what: String, hint: String) throws(EngineError) {
  guard TapeContext.current.capture != nil else { return }
  throw EngineError(.unsupported, "\(what) cannot be a part of a graph", hint: hint)
}
