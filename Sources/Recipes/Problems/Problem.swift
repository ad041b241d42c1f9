import DataSets
import Layers
import Tensors

/// Data made ready: what to tell, from what, and the samples in their three parts.
///
/// Training and validation samples are as the network takes them; test samples are raw, as the
/// saved model takes them, since it is what the report measures.
struct Problem: Sendable {
  let goal: Goal
  let encoding: any Encoding
  let train: any DataSet
  let validation: any DataSet
  /// Raw inputs, and targets as class numbers or numbers in their own unit.
  let test: any DataSet
  /// The saved model's metadata.
  var metadata: [(String, String)] = []
  /// What a person should know of the data, a line each.
  var notes: [String] = []
  /// Whether the network reads whole numbers.
  var takesTokens: Bool { encoding is TokenEncoding }
}
