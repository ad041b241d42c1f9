import Graphs
import Tensors

/// A digest of a whole model that travels in its metadata under `dlrun.sha256`.
///
/// It is the SHA-256 of the model as `ONNXWriter` serialises it with all weights inside and without
/// the entry itself, so it is the same for a plain, a compressed and an external file.
public enum ModelDigest {
  public static let key = "dlrun.sha256"

  public static func of(_ model: ModelGraph) throws(EngineError) -> String {
    var plain = model
    plain.metadata.removeAll { $0.key == key }
    var sha = SHA256()
    try ONNXWriter.serialise(plain, external: nil).forEach { (piece) throws(EngineError) in
      sha.update(piece)
    }
    return sha.hex()
  }

  /// Puts the digest into the model's metadata, in place of an older one.
  public static func stamp(_ model: inout ModelGraph) throws(EngineError) {
    let digest = try of(model)
    model.metadata.removeAll { $0.key == key }
    model.metadata.append(Graph.Metadata(key, digest))
  }

  /// Checks a stamped model; false when it carries no digest.
  ///
  /// Errors: `.malformed` when the model is not the one that was stamped.
  @discardableResult
  public static func verify(_ model: ModelGraph) throws(EngineError) -> Bool {
    guard let stated = model.metadata(key) else { return false }
    let digest = try of(model)
    guard digest == stated else {
      throw EngineError(
        .malformed, "the model has changed since it was stamped", expected: stated,
        received: digest)
    }
    return true
  }
}
