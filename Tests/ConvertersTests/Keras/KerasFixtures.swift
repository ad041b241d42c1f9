import Formats
import Tensors
import TestSupport

@testable import Converters

/// Models of `tools/oracle/convert/keras_layers.py` and files of `tools/oracle/convert/keras_attacks.py`, made with
/// Keras 3.15.1, TensorFlow 2.21.0 and h5py 3.14.0.
enum KerasFixtures {
  static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    + "/Fixtures/Keras"

  static let models = [
    "bidirectional_lstm_concat_True", "conv_pad_up", "dictionaries", "gqa_masked",
    "lstm_embedding_masked", "nested_frozen", "op_scalars", "string_lookup_adapted_words",
  ]

  static func bytes(_ name: String) throws -> [UInt8] {
    try InputFile("\(folder)/\(name)").contents
  }

  /// Converts a file's bytes; the kind is told by them.
  static func convert(_ bytes: [UInt8], _ kind: SourceKind) throws -> ConversionResult {
    let file = try bytes.withUnsafeBytes { (b) in try FileBytes(copying: b) }
    return try KerasConverter.convert(file, kind: kind, options: ConversionOptions())
  }
}
